//! The languages of pages and messages, and all their words in one place.

use super::AnswerRequest;

/// A language that answers are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, also when nothing that is offered is accepted.
    #[default]
    English,
    /// Polish.
    Polish,
    /// German.
    German,
}

impl Language {
    /// The offered language that the request likes most.
    #[must_use]
    pub fn of(request: &AnswerRequest<'_>) -> Self {
        Self::preferred(request.field("accept-language"))
    }

    /// Chooses by an `Accept-Language` value (RFC 9110 section 12.5.4); among equals the first wins.
    fn preferred(accept: &str) -> Self {
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let Some(language) = Self::by_tag(tag.trim()) else { continue };
            if quality > 0.0 && best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, language));
            }
        }
        best.map_or(Self::English, |(_, language)| language)
    }

    fn by_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "en" | "*" => Some(Self::English),
            "pl" => Some(Self::Polish),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    /// The tag of BCP 47.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Polish => "pl",
            Self::German => "de",
        }
    }

    /// The words in this language.
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Polish => &POLISH,
            Self::German => &GERMAN,
        }
    }
}

/// Words and sentences of answers. `{}` stands for one value.
pub(super) struct Words {
    pub(super) blocked_title: &'static str,
    pub(super) blocked_lead: &'static str,
    pub(super) blocked_place: &'static str,
    pub(super) found_heading: &'static str,
    pub(super) found_note: &'static str,
    pub(super) times: &'static str,
    pub(super) more: &'static str,
    pub(super) why_heading: &'static str,
    pub(super) next_heading: &'static str,
    pub(super) next_step: &'static str,
    pub(super) next_place: &'static str,
    pub(super) ask: &'static str,
    pub(super) ask_about_error: &'static str,
    pub(super) release: &'static str,
    pub(super) explain_heading: &'static str,
    pub(super) explain_label: &'static str,
    pub(super) explain_short: &'static str,
    pub(super) explain_not_reached: &'static str,
    pub(super) explain_send: &'static str,
    pub(super) details_heading: &'static str,
    pub(super) destination: &'static str,
    pub(super) rule: &'static str,
    pub(super) incident: &'static str,
    pub(super) time: &'static str,
    pub(super) sender: &'static str,
    pub(super) message: &'static str,
    pub(super) error_lead: &'static str,
    pub(super) host: &'static str,
    pub(super) code: &'static str,
    pub(super) errors: ErrorWords,
}

/// Title and explanation of each error of the gateway.
pub(super) struct ErrorWords {
    pub(super) bad_request: (&'static str, &'static str),
    pub(super) authentication: (&'static str, &'static str),
    pub(super) already_sent: (&'static str, &'static str),
    pub(super) forbidden: (&'static str, &'static str),
    pub(super) no_access: (&'static str, &'static str),
    pub(super) private_address: (&'static str, &'static str),
    pub(super) own_listener: (&'static str, &'static str),
    pub(super) port: (&'static str, &'static str),
    pub(super) misdirected: (&'static str, &'static str),
    pub(super) head_too_large: (&'static str, &'static str),
    pub(super) certificate: (&'static str, &'static str),
    pub(super) unreachable: (&'static str, &'static str),
    pub(super) timeout: (&'static str, &'static str),
    pub(super) internal: (&'static str, &'static str),
    pub(super) busy: (&'static str, &'static str),
}

static ENGLISH: Words = Words {
    blocked_title: "This transfer was stopped",
    blocked_lead: "Your organisation does not allow this data to pass to or from {}. The transfer was not completed.",
    blocked_place: "Your organisation does not allow transfers to {}. The transfer was not completed.",
    found_heading: "What was found",
    found_note: "Values are masked. The full values are not shown on this page.",
    times: "{}\u{d7}",
    more: "and {} more",
    why_heading: "Why",
    next_heading: "What you can do",
    next_step: "Remove the data listed above and try again, or use a destination that your organisation has approved.",
    next_place: "Use a destination that your organisation has approved.",
    ask: "If you think this is a mistake, contact {} and give the incident number.",
    ask_about_error: "If this keeps happening, contact {}.",
    release: "Explain and request release",
    explain_heading: "Send it with a reason",
    explain_short: "The reason was too short: please write at least ten characters.",
    explain_not_reached: "The website could not be reached, and nothing was sent. Your form is still here: try again in a moment.",
    explain_label: "If this has to be sent, say why in at least ten characters. The reason is recorded, and the form is sent as you filled it in.",
    explain_send: "Send with this reason",
    details_heading: "Details",
    destination: "Destination",
    rule: "Rule",
    incident: "Incident",
    time: "Time",
    sender: "Data loss prevention",
    message: "Stopped by your organisation's data protection rule \"{rule}\". Incident {incident}.",
    error_lead: "The gateway of your organisation could not complete this request.",
    host: "Host",
    code: "Code",
    errors: ErrorWords {
        bad_request: ("Request not understood", "The request is not valid HTTP for this gateway."),
        authentication: ("Sign-in needed", "The gateway needs to know who you are before it passes requests on."),
        already_sent: (
            "Sent before",
            "This form has been sent with its reason already, and is not sent twice. If you have not seen the answer of the site, look there whether it has arrived.",
        ),
        forbidden: ("Not allowed", "Your account may not use this page."),
        no_access: (
            "No access",
            "Your access through this gateway has ended, has not begun, or was taken away. Nothing was sent.",
        ),
        private_address: (
            "Private address",
            "The site's address is private or reserved, and the gateway is set not to connect to such addresses. Nothing was sent. Administrators: resolver.override opens single hosts, upstream.allow_private all of them.",
        ),
        own_listener: ("Not a site", "The address belongs to the gateway itself, which does not connect to itself."),
        port: (
            "Port not allowed",
            "The gateway is set not to connect to this port. Nothing was sent. Administrators: see connect.allowed_ports.",
        ),
        misdirected: ("Wrong connection", "The request names another host than the connection it came on."),
        head_too_large: ("Request header too large", "The request's header is larger than the gateway accepts."),
        certificate: (
            "Connection not trusted",
            "The site's identity could not be verified, so the connection was not made. Nothing was sent to it.",
        ),
        unreachable: ("Site not reachable", "The gateway could not connect to the site."),
        timeout: ("Site does not answer", "The site did not answer in time."),
        internal: ("Gateway error", "The gateway could not handle this request. The fault is not yours."),
        busy: ("Gateway busy", "The gateway has too much to do right now. Nothing was sent. Try again in a minute."),
    },
};

static POLISH: Words = Words {
    blocked_title: "Przesyłanie zostało zatrzymane",
    blocked_lead: "Twoja organizacja nie pozwala na wysyłanie tych danych do tego miejsca ani na pobieranie ich z niego: {}. Przesyłanie nie zostało ukończone.",
    blocked_place: "Twoja organizacja nie pozwala na przesyłanie do: {}. Przesyłanie nie zostało ukończone.",
    found_heading: "Co znaleziono",
    found_note: "Wartości są zamaskowane. Pełne wartości nie są pokazywane na tej stronie.",
    times: "{}\u{d7}",
    more: "i jeszcze {}",
    why_heading: "Dlaczego",
    next_heading: "Co możesz zrobić",
    next_step: "Usuń wymienione dane i spróbuj ponownie albo użyj miejsca zatwierdzonego przez organizację.",
    next_place: "Użyj miejsca zatwierdzonego przez organizację.",
    ask: "Jeśli to pomyłka, skontaktuj się z: {} i podaj numer zdarzenia.",
    ask_about_error: "Jeśli problem się powtarza, skontaktuj się z: {}.",
    release: "Wyjaśnij i poproś o zwolnienie",
    explain_heading: "Wyślij z uzasadnieniem",
    explain_short: "Uzasadnienie było za krótkie: napisz co najmniej dziesięć znaków.",
    explain_not_reached: "Nie udało się połączyć ze stroną i niczego nie wysłano. Formularz nadal tu jest: spróbuj ponownie za chwilę.",
    explain_label: "Jeśli to musi zostać wysłane, napisz dlaczego, co najmniej dziesięć znaków. Uzasadnienie zostanie zapisane, a formularz wysłany tak, jak go wypełniono.",
    explain_send: "Wyślij z tym uzasadnieniem",
    details_heading: "Szczegóły",
    destination: "Miejsce docelowe",
    rule: "Reguła",
    incident: "Zdarzenie",
    time: "Czas",
    sender: "Ochrona przed wyciekiem danych",
    message: "Zatrzymane przez regułę ochrony danych Twojej organizacji „{rule}”. Zdarzenie {incident}.",
    error_lead: "Brama Twojej organizacji nie mogła zrealizować tego żądania.",
    host: "Host",
    code: "Kod",
    errors: ErrorWords {
        bad_request: ("Niezrozumiałe żądanie", "Żądanie nie jest poprawnym HTTP dla tej bramy."),
        authentication: ("Wymagane logowanie", "Brama musi wiedzieć, kim jesteś, zanim przekaże żądania dalej."),
        already_sent: (
            "Wysłano wcześniej",
            "Ten formularz został już wysłany z uzasadnieniem i nie zostanie wysłany drugi raz. Jeśli nie widać odpowiedzi strony, sprawdź na niej, czy dotarł.",
        ),
        forbidden: ("Brak uprawnień", "Twoje konto nie może korzystać z tej strony."),
        no_access: (
            "Brak dostępu",
            "Twój dostęp przez tę bramę wygasł, jeszcze się nie zaczął albo został odebrany. Niczego nie wysłano.",
        ),
        private_address: (
            "Adres prywatny",
            "Adres serwisu jest prywatny lub zastrzeżony, a brama ma nie łączyć się z takimi adresami. Niczego nie wysłano. Dla administratorów: resolver.override otwiera pojedyncze hosty, upstream.allow_private wszystkie.",
        ),
        own_listener: ("To nie jest serwis", "Adres należy do samej bramy, która nie łączy się sama ze sobą."),
        port: (
            "Port niedozwolony",
            "Brama ma nie łączyć się z tym portem. Niczego nie wysłano. Dla administratorów: zobacz connect.allowed_ports.",
        ),
        misdirected: ("Niewłaściwe połączenie", "Żądanie wskazuje inny host niż połączenie, którym przyszło."),
        head_too_large: ("Zbyt duży nagłówek żądania", "Nagłówek żądania jest większy, niż brama przyjmuje."),
        certificate: (
            "Połączenie nie jest zaufane",
            "Nie udało się potwierdzić tożsamości serwisu, więc połączenia nie nawiązano. Niczego do niego nie wysłano.",
        ),
        unreachable: ("Serwis jest nieosiągalny", "Brama nie mogła połączyć się z serwisem."),
        timeout: ("Serwis nie odpowiada", "Serwis nie odpowiedział na czas."),
        internal: ("Błąd bramy", "Brama nie mogła obsłużyć tego żądania. To nie Twoja wina."),
        busy: ("Brama jest zajęta", "Brama ma teraz zbyt wiele pracy. Niczego nie wysłano. Spróbuj za minutę."),
    },
};

static GERMAN: Words = Words {
    blocked_title: "Diese Übertragung wurde gestoppt",
    blocked_lead: "Ihre Organisation erlaubt nicht, diese Daten an {} zu senden oder von dort zu laden. Die Übertragung wurde nicht abgeschlossen.",
    blocked_place: "Ihre Organisation erlaubt keine Übertragung an {}. Die Übertragung wurde nicht abgeschlossen.",
    found_heading: "Was gefunden wurde",
    found_note: "Die Werte sind maskiert. Die vollständigen Werte stehen nicht auf dieser Seite.",
    times: "{}\u{d7}",
    more: "und {} weitere",
    why_heading: "Warum",
    next_heading: "Was Sie tun können",
    next_step: "Entfernen Sie die genannten Daten und versuchen Sie es erneut, oder nutzen Sie ein freigegebenes Ziel.",
    next_place: "Nutzen Sie ein Ziel, das Ihre Organisation freigegeben hat.",
    ask: "Falls das ein Irrtum ist, wenden Sie sich an {} und nennen Sie die Vorfallnummer.",
    ask_about_error: "Falls das öfter vorkommt, wenden Sie sich an {}.",
    release: "Begründen und Freigabe anfordern",
    explain_heading: "Mit Begründung senden",
    explain_short: "Die Begründung war zu kurz: Bitte schreiben Sie mindestens zehn Zeichen.",
    explain_not_reached: "Die Website war nicht erreichbar, und es wurde nichts gesendet. Ihr Formular ist noch da: Bitte versuchen Sie es gleich noch einmal.",
    explain_label: "Wenn dies gesendet werden muss, schreiben Sie in mindestens zehn Zeichen, warum. Die Begründung wird festgehalten, und das Formular wird so gesendet, wie Sie es ausgefüllt haben.",
    explain_send: "Mit dieser Begründung senden",
    details_heading: "Einzelheiten",
    destination: "Ziel",
    rule: "Regel",
    incident: "Vorfall",
    time: "Zeit",
    sender: "Schutz vor Datenabfluss",
    message: "Gestoppt durch die Datenschutzregel „{rule}“ Ihrer Organisation. Vorfall {incident}.",
    error_lead: "Das Gateway Ihrer Organisation konnte diese Anfrage nicht ausführen.",
    host: "Host",
    code: "Code",
    errors: ErrorWords {
        bad_request: ("Anfrage nicht verstanden", "Die Anfrage ist kein gültiges HTTP für dieses Gateway."),
        authentication: (
            "Anmeldung erforderlich",
            "Das Gateway muss wissen, wer Sie sind, bevor es Anfragen weiterleitet.",
        ),
        already_sent: (
            "Schon gesendet",
            "Dieses Formular wurde mit seiner Begründung schon gesendet und wird kein zweites Mal gesendet. Wenn Sie die Antwort der Seite nicht gesehen haben, sehen Sie dort nach, ob es angekommen ist.",
        ),
        forbidden: ("Nicht erlaubt", "Ihr Konto darf diese Seite nicht benutzen."),
        no_access: (
            "Kein Zugang",
            "Ihr Zugang über dieses Gateway ist beendet, hat noch nicht begonnen oder wurde entzogen. Es wurde nichts gesendet.",
        ),
        private_address: (
            "Private Adresse",
            "Die Adresse der Website ist privat oder reserviert, und das Gateway ist so eingestellt, dass es solche Adressen nicht anspricht. Es wurde nichts gesendet. Für die Administration: resolver.override öffnet einzelne Hosts, upstream.allow_private alle.",
        ),
        own_listener: ("Keine Website", "Die Adresse gehört dem Gateway selbst, das sich nicht mit sich verbindet."),
        port: (
            "Port nicht erlaubt",
            "Das Gateway ist so eingestellt, dass es diesen Port nicht anspricht. Es wurde nichts gesendet. Für die Administration: siehe connect.allowed_ports.",
        ),
        misdirected: (
            "Falsche Verbindung",
            "Die Anfrage nennt einen anderen Host als die Verbindung, auf der sie kam.",
        ),
        head_too_large: ("Anfragekopf zu groß", "Der Kopf der Anfrage ist größer, als das Gateway annimmt."),
        certificate: (
            "Verbindung nicht vertrauenswürdig",
            "Die Identität der Website ließ sich nicht prüfen, daher wurde keine Verbindung aufgebaut. Es wurde nichts gesendet.",
        ),
        unreachable: ("Website nicht erreichbar", "Das Gateway konnte keine Verbindung zur Website herstellen."),
        timeout: ("Website antwortet nicht", "Die Website hat nicht rechtzeitig geantwortet."),
        internal: ("Fehler im Gateway", "Das Gateway konnte diese Anfrage nicht bearbeiten. Das liegt nicht an Ihnen."),
        busy: (
            "Gateway ausgelastet",
            "Das Gateway hat gerade zu viel zu tun. Es wurde nichts gesendet. Versuchen Sie es in einer Minute erneut.",
        ),
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_liked_most() {
        let rows = [
            ("", Language::English),
            ("pl", Language::Polish),
            ("pl-PL,pl;q=0.9,en;q=0.8", Language::Polish),
            ("fr, de-AT;q=0.7, en;q=0.3", Language::German),
            ("en;q=0.1, de;q=0.9", Language::German),
            ("pl;q=0, de;q=0.2", Language::German),
            ("fr", Language::English),
            ("de;q=x", Language::English),
            ("*", Language::English),
        ];
        for (accept, expected) in rows {
            assert_eq!(Language::preferred(accept), expected, "{accept}");
        }
    }
}
