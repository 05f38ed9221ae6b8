//! The fixed scales of the product: severity, category, sensitivity label.
//!
//! They live in the lowest crate because detector files, findings, policies and reports all speak them.

use serde::{Deserialize, Serialize};

macro_rules! scale {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in ascending order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word used in TOML, JSON, documentation and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The value with this word, if there is one.
            #[must_use]
            pub fn from_word(word: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

scale! {
    /// How bad it is if the value leaks.
    Severity {
        /// Of no consequence on its own.
        Informational = "informational",
        /// A nuisance.
        Low = "low",
        /// Harm to one person or one system.
        Medium = "medium",
        /// Harm that has to be reported or rotated at once.
        High = "high",
        /// Opens the organisation.
        Critical = "critical",
    }
}

scale! {
    /// What kind of sensitive data a detector recognises.
    Category {
        /// Personal data that no government issues: names, addresses, telephone numbers, e-mail.
        Pii = "pii",
        /// Identifiers issued by a state: identity numbers, passports, tax numbers.
        GovernmentId = "government-id",
        /// Cards, accounts, securities.
        Finance = "finance",
        /// Health identifiers and codes.
        Health = "health",
        /// Credentials of machines and people.
        Secret = "secret",
        /// Source code and trade secrets.
        SourceCode = "source-code",
        /// Sensitivity labels and markings.
        Label = "label",
        /// Exact data match.
        Edm = "edm",
        /// Similarity to a known document.
        DocumentFingerprint = "document-fingerprint",
        /// Detectors added by a user that name no other category.
        Custom = "custom",
    }
}

scale! {
    /// Sensitivity of an item, from open to bound by law.
    SensitivityLabel {
        /// May be seen by anybody.
        Public = "public",
        /// For people of the organisation.
        Internal = "internal",
        /// For named people only.
        Confidential = "confidential",
        /// Protected by law or by contract: personal data, cards, health, credentials of regulated systems.
        Regulated = "regulated",
    }
}
