//! What the command line takes. The texts here are the manual: help, completions and pages are made from them.

use clap::builder::{Styles, styling::AnsiColor};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use dlp_core::base::ConfidenceLevel;
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing found; formats without a reader were scanned as raw bytes and are named
  1  at least one finding
  2  usage or configuration error
  3  nothing found, but some content could not be read;
     with --fail-on-incomplete also when a format has no reader";

/// Finds secrets, personal data and sensitivity labels in files, documents, archives and commits.
#[derive(Debug, Parser)]
#[command(name = "dlp", version, styles = STYLES, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan files and directories
    Scan(ScanArgs),
    /// Print the text that a scan would see in a file
    Extract(ExtractArgs),
    /// Replace what is found in a text, or put it back
    Redact(RedactArgs),
    /// Scan staged changes or a range of commits
    Git(GitArgs),
    /// Install git hooks
    Hook(HookArgs),
    /// Index a table, so that its records are found
    Edm(EdmArgs),
    /// Index documents and source code, so that passages of them are found
    Fingerprint(FingerprintArgs),
    /// List, explain and test detectors
    Detectors(DetectorsArgs),
    /// Run the inspecting proxy
    Gateway(GatewayArgs),
    /// Print the JSON Schema of an output format
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

const SCAN_EXAMPLES: &str = "\
Examples:
  dlp scan                                  the current directory
  dlp scan /mnt/share --format jsonl        one JSON object a line
  dlp scan --format sarif --output dlp.sarif src
  cat export.csv | dlp scan -               standard input
  dlp scan --detectors 'secret.*,pii.pl.*'  some detectors only

Hidden and git-ignored files are scanned, because a forgotten .env is the point; the contents of .git are not. \
Symbolic links are not followed but counted, except those that are given on the command line.

A finding that is wanted is marked in the text file itself, behind it or on a line of its own above it, with the \
detector or the first words of its id (several with commas between), a reason, and if need be a last day:
  # dlp:allow secret.github -- revoked, for the parser's test until=2030-01-31

Exit codes:
  0  nothing found; formats without a reader were scanned as raw bytes and are named
  1  at least one finding
  2  usage or configuration error
  3  nothing found, but some content could not be read;
     with --fail-on-incomplete also when a format has no reader";

/// Scan files and directories.
#[derive(Args, Debug)]
#[command(after_help = SCAN_EXAMPLES)]
pub(crate) struct ScanArgs {
    /// Files and directories; `-` is standard input
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Leave out files and directories that match, like `*.png` or `/build/`; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Scan what is inside .git directories too
    #[arg(long)]
    pub(crate) include_git: bool,
    /// Do not read files larger than this: bytes, or a number with K, M or G; reported as incomplete
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_file_size: Option<u64>,
    /// Read every text backwards and in ROT13 too, as somebody writes who hides a value: three times the work, and more
    /// false alarms
    #[arg(long)]
    pub(crate) disguised: bool,
    /// Threads; the number of processors unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// What to look for.
    #[command(flatten)]
    pub(crate) detectors: DetectorChoice,
    /// What is known.
    #[command(flatten)]
    pub(crate) known: KnownArgs,
    /// What to read besides text.
    #[command(flatten)]
    pub(crate) ocr: OcrArgs,
    /// What to report, and how.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// Text in pictures.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OcrArgs {
    /// Recognise text in images and in the pictures of PDF pages with tesseract, which must be installed: in the named
    /// languages, like `--ocr=eng,pol`, or in all that are installed. A page takes about a second
    #[arg(long, value_name = "LANGUAGES", value_delimiter = ',', num_args = 0.., require_equals = true)]
    pub(crate) ocr: Option<Vec<String>>,
}

/// What the organisation knows to be its own.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Known data", group(ArgGroup::new("known_index").args(["edm", "fingerprints"]).multiple(true)))]
pub(crate) struct KnownArgs {
    /// Records to look for: an index made by `dlp edm build`; may be repeated
    #[arg(long, value_name = "FILE", requires = "known_key")]
    pub(crate) edm: Vec<PathBuf>,
    /// Documents to look for: an index made by `dlp fingerprint build`; may be repeated
    #[arg(long, value_name = "FILE", requires = "known_key")]
    pub(crate) fingerprints: Vec<PathBuf>,
    /// Key of the indexes, 32 bytes that only you may read
    #[arg(long, value_name = "FILE", requires = "known_index")]
    pub(crate) known_key: Option<PathBuf>,
}

/// Which detectors run.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Detectors")]
pub(crate) struct DetectorChoice {
    /// Detectors to use, by id; `*` stands for anything, `!` before an id leaves it out
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub(crate) detectors: Vec<String>,
    /// Detectors of a law or a country: gdpr (rodo), pci-dss (pci), hipaa, ccpa, lgpd, or a country code such as pl, uk
    /// (gb) or el (gr); --detectors adds to them
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) profile: Vec<String>,
    /// Detectors of your own, in a TOML file; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) detector_file: Vec<PathBuf>,
}

impl DetectorChoice {
    /// Whether every detector runs.
    pub(crate) fn is_all(&self) -> bool {
        self.detectors.is_empty() && self.profile.is_empty()
    }
}

/// What is reported, and how.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Report")]
pub(crate) struct ReportArgs {
    /// Form of the report
    #[arg(long, value_name = "FORMAT", default_value = "pretty")]
    pub(crate) format: Format,
    /// Write the report to a file instead of standard output; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Least confidence that is reported
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub(crate) min_confidence: MinConfidence,
    /// Show the values themselves; only on a terminal, and never in a file
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Leave out the run's id and times, so that two runs give the same bytes
    #[arg(long)]
    pub(crate) no_timestamps: bool,
    /// End with 0 although content could not be read: every class of problem, or the named ones
    #[arg(long, value_name = "CLASS", value_delimiter = ',', num_args = 0.., require_equals = true)]
    pub(crate) allow_incomplete: Option<Vec<String>>,
    /// End with 3 instead of 0 when a format had no reader too, like Parquet or an image-only PDF
    #[arg(long, conflicts_with = "allow_incomplete")]
    pub(crate) fail_on_incomplete: bool,
    /// Report findings too that a line marks with `dlp:allow <detector> -- <reason>`
    #[arg(long)]
    pub(crate) no_inline_allow: bool,
    /// Findings in this baseline are known, and do not count
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write a baseline of everything that is found, and end with 0 although something was; without --key-file it holds
    /// a salt, which protects credentials but not numbers that can be tried out, such as those of persons and cards
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Key for finding ids and value hashes, 32 bytes that only you may read
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Say at the end how much was read and how fast
    #[arg(long)]
    pub(crate) stats: bool,
}

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One finding a line, for people
    Pretty,
    /// One JSON object a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Least confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MinConfidence {
    /// Everything, false alarms included
    Low,
    /// What is probably right
    Medium,
    /// What was proven by a check or has a shape of its own
    High,
}

impl From<MinConfidence> for ConfidenceLevel {
    fn from(level: MinConfidence) -> Self {
        match level {
            MinConfidence::Low => Self::Low,
            MinConfidence::Medium => Self::Medium,
            MinConfidence::High => Self::High,
        }
    }
}

const EXTRACT_EXAMPLES: &str = "\
Examples:
  dlp extract contract.docx                  text, comments, properties and names
  dlp extract backup.zip --format jsonl      with the place of each piece
  zcat dump.gz | dlp extract -               standard input

A terminal gets control characters as escapes, such as \\u{1b}; a pipe or file gets the bytes as they are.

Ends with 3, and says why on standard error, when the file could not be read completely.";

/// Print the text that a scan would see in a file.
#[derive(Args, Debug)]
#[command(after_help = EXTRACT_EXAMPLES)]
pub(crate) struct ExtractArgs {
    /// The file; `-` is standard input
    pub(crate) file: PathBuf,
    /// Form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ExtractFormat,
    /// What to read besides text.
    #[command(flatten)]
    pub(crate) ocr: OcrArgs,
}

/// Form of extracted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExtractFormat {
    /// The bare text
    Text,
    /// One JSON object for each piece
    Jsonl,
}

const REDACT_EXAMPLES: &str = "\
Examples:
  dlp redact support.log > clean.log                       stars for values
  dlp redact customers.csv --output clean.csv              rows keep their fields
  head -c 32 /dev/urandom > redact.key && chmod 600 redact.key
  dlp redact --method token --key-file redact.key events.jsonl > tokens.jsonl
  dlp redact --restore --key-file redact.key tokens.jsonl  the values again
  kubectl logs pod | dlp redact -                          standard input

Text, JSON and CSV in UTF-8 are taken; of a document, redact what `dlp extract` prints. Equal values become equal \
tokens and hashes under one key, however they are spelled, so that tables can still be joined; a token gives the normal \
spelling back, for numbers the one without separators. A value that stands encoded, as in base64, goes with the code \
around it. What was replaced is counted on standard error, never shown.

Ends with 3, and says where, when the result may still hold values, or tokens could not be restored.";

/// Replace what is found in a text, or put it back.
#[derive(Args, Debug)]
#[command(after_help = REDACT_EXAMPLES)]
pub(crate) struct RedactArgs {
    /// The file; `-` is standard input
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// What becomes of a value
    #[arg(long, value_name = "METHOD", default_value = "mask")]
    pub(crate) method: RedactMethod,
    /// What the text is; told by the name of the file unless given
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub(crate) format: RedactFormat,
    /// Least confidence of a finding that is replaced
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub(crate) min_confidence: MinConfidence,
    /// Key for tokens, hashes and layouts: 32 bytes that only you may read. Tokens need it; without it hashes and
    /// layouts are new in each run
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Put the values of tokens back
    #[arg(long, requires = "key_file", conflicts_with_all = ["method", "format", "min_confidence", "detectors", "profile"])]
    pub(crate) restore: bool,
    /// Write to a file instead of standard output; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What to look for.
    #[command(flatten)]
    pub(crate) detectors: DetectorChoice,
    /// What is known.
    #[command(flatten)]
    pub(crate) known: KnownArgs,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RedactMethod {
    /// A star for each character
    Mask,
    /// The value, encrypted: `--restore` puts it back with the same key
    Token,
    /// A keyed hash
    Hash,
    /// Other letters and digits in the same layout that pass for nothing; stars where there is no check to fail
    Format,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RedactFormat {
    /// By the ending of the file: .json, .jsonl, .ndjson, .csv, .tsv; text otherwise
    Auto,
    /// Plain text, logs, source
    Text,
    /// JSON, or one JSON document a line; numbers that are replaced become strings
    Json,
    /// Rows of fields
    Csv,
}

const GIT_EXAMPLES: &str = "\
Examples:
  dlp git --staged                     what `git commit` would record; for hooks
  dlp git --range origin/main..HEAD    each commit that main does not have yet

A value that one commit adds and a later one removes is found: it stays in the history that is pushed. \
Of a merge, what none of its parents has is scanned. In a pre-push hook, give the ids that git hands over:
  while read -r _ new _ old; do dlp git --range \"$old..$new\" || exit 1; done

Content is read from git's own store, not from the work tree. Places in commits read <commit>:<path>:<line>:<column>.";

/// Scan staged changes or a range of commits.
#[derive(Args, Debug)]
#[command(after_help = GIT_EXAMPLES)]
#[group(id = "source", required = true, multiple = false, args = ["staged", "range"])]
pub(crate) struct GitArgs {
    /// What is staged for the next commit
    #[arg(long)]
    pub(crate) staged: bool,
    /// Every commit that B has and A has not, `A..B`, each against its parents; `A...B` means the same
    #[arg(long, value_name = "A..B")]
    pub(crate) range: Option<String>,
    /// Report findings on unchanged lines of changed files too
    #[arg(long)]
    pub(crate) whole_files: bool,
    /// What to look for.
    #[command(flatten)]
    pub(crate) detectors: DetectorChoice,
    /// What is known.
    #[command(flatten)]
    pub(crate) known: KnownArgs,
    /// What to report, and how.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// Install git hooks.
#[derive(Args, Debug)]
pub(crate) struct HookArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: HookCommand,
}

/// Commands on hooks.
#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Make git run `dlp git --staged` before each commit; a hook that is already there is not touched
    Install,
}

const EDM_EXAMPLES: &str = "\
Examples:
  head -c 32 /dev/urandom > known.key && chmod 600 known.key
  dlp edm build --schema customers.toml --key-file known.key customers.csv --output customers.edm
  dlp scan --edm customers.edm --known-key known.key /mnt/share

A schema names the table, its columns as the header of the CSV file does, and which of them are looked for everywhere:
  name = \"customers\"
  # cells of the same row around a primary value, for a finding of high confidence
  secondary_min = 2
  [[column]]
  name = \"customer_no\"
  primary = true
  [[column]]
  name = \"surname\"
  [[column]]
  name = \"birth_date\"
  # text, number, phone, date, date-us
  kind = \"date\"

The index holds keyed hashes, no value and no key. Memory is bounded: larger tables are sorted in temporary files.";

/// Index a table, so that its records are found.
#[derive(Args, Debug)]
pub(crate) struct EdmArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: EdmCommand,
}

/// Commands on indexes of tables.
#[derive(Debug, Subcommand)]
pub(crate) enum EdmCommand {
    /// Make the index of a CSV file with a header
    #[command(after_help = EDM_EXAMPLES)]
    Build(EdmBuildArgs),
}

/// Make the index of a CSV file.
#[derive(Args, Debug)]
pub(crate) struct EdmBuildArgs {
    /// The table, in UTF-8; `-` is standard input
    pub(crate) table: PathBuf,
    /// What the table holds, in TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: PathBuf,
    /// Key of the index, 32 bytes that only you may read; scans need it too
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: PathBuf,
    /// Where the index goes; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// What separates cells
    #[arg(long, value_name = "CHARACTER", default_value = ",")]
    pub(crate) delimiter: char,
}

const FINGERPRINT_EXAMPLES: &str = "\
Examples:
  dlp fingerprint build --key-file known.key contracts/ -o contracts.dlpfp
  dlp fingerprint build --key-file known.key --name product \\
      --common vendor/ src/ -o product.dlpfp
  dlp scan --fingerprints contracts.dlpfp --known-key known.key /mnt/share

Findings tell how much of which document is there, in per cent. Source code is told by the ending of the file, and read \
so that renaming and formatting hide nothing; everything else is read as words. What more than three documents share, and \
more than one in twenty, is boilerplate. The index holds keyed hashes and the names of the documents.";

/// Index documents and source code.
#[derive(Args, Debug)]
pub(crate) struct FingerprintArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: FingerprintCommand,
}

/// Commands on indexes of documents.
#[derive(Debug, Subcommand)]
pub(crate) enum FingerprintCommand {
    /// Make the index of files and directories
    #[command(after_help = FINGERPRINT_EXAMPLES)]
    Build(FingerprintBuildArgs),
}

/// Make the index of files and directories.
#[derive(Args, Debug)]
pub(crate) struct FingerprintBuildArgs {
    /// Files and directories
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Key of the index, 32 bytes that only you may read; scans need it too
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: PathBuf,
    /// Name in findings, `fingerprint.<name>`: lower-case letters, digits and hyphens
    #[arg(long, value_name = "NAME", default_value = "documents")]
    pub(crate) name: String,
    /// Files and directories that everybody has, like licences and empty forms; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) common: Vec<PathBuf>,
    /// Where the index goes; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// List, explain and test detectors.
#[derive(Args, Debug)]
pub(crate) struct DetectorsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: DetectorsCommand,
}

/// Commands on detectors.
#[derive(Debug, Subcommand)]
pub(crate) enum DetectorsCommand {
    /// List the detectors with category and severity
    List {
        /// Form of the list
        #[arg(long, value_name = "FORMAT", default_value = "pretty")]
        format: ListFormat,
        /// Which ones.
        #[command(flatten)]
        choice: DetectorChoice,
    },
    /// Show what a detector looks for and how it comes to its confidence
    Explain {
        /// Detector id, for example `secret.github.pat-classic`
        id: String,
        /// Detectors of your own, in a TOML file; may be repeated
        #[arg(long, value_name = "FILE")]
        detector_file: Vec<PathBuf>,
    },
    /// Write the beginning of a detector of your own; it passes its tests as it stands
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Run the examples and counter-examples of detectors through the whole scan
    Test {
        /// Detector files; the built-in detectors when there is none
        files: Vec<PathBuf>,
    },
    /// Turn rules of gitleaks (TOML), Kingfisher or Nosey Parker (YAML) into a detector file
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        /// Configurations or rule files; all of them go into one detector file
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Write to a file instead of standard output; it appears when it is complete
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Overwrite the file of --out when it exists
        #[arg(long, requires = "out")]
        force: bool,
    },
}

const NEW_EXAMPLES: &str = "\
Examples:
  dlp detectors new custom.acme.badge > acme.toml
  dlp detectors new custom.acme.badge --pattern 'ACME-[0-9]{6}' --word badge --out acme.toml
  dlp detectors test acme.toml";

/// Write the beginning of a detector.
#[derive(Args, Debug)]
pub(crate) struct NewArgs {
    /// Its id: lower-case words with dots between them, such as custom.acme.badge
    pub(crate) id: String,
    /// What it looks for, as a regular expression; an example unless given
    #[arg(long, value_name = "REGEX")]
    pub(crate) pattern: Option<String>,
    /// Its name for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// A word that stands near what it looks for; may be repeated
    #[arg(long, value_name = "WORD")]
    pub(crate) word: Vec<String>,
    /// Write to a file instead of standard output; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Overwrite the file of --out when it exists
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  dlp detectors import .gitleaks.toml --out detectors.toml
  dlp detectors import rules/*.yml --out detectors.toml
  dlp scan --detector-file detectors.toml

Rules become detectors of the family custom, allowlists become [[allow]] tables. Standard error tells each thing that \
was lost or finds something else than before; a remark in the file does too.

Ends with 3 when something was lost.";

/// Form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// One detector a line, for people
    Pretty,
    /// One JSON object a line
    Jsonl,
}

/// Run the inspecting proxy.
#[derive(Args, Debug)]
pub(crate) struct GatewayArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: GatewayCommand,
}

const GATEWAY_EXAMPLES: &str = "\
Examples:
  dlp gateway run                                 on this machine, with the built-in policy
  dlp gateway run --config gateway.toml --check   is the configuration valid?
  dlp gateway run --config gateway.toml";

/// Commands on the gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Hold uploads until they were inspected, and refuse what the policy forbids
    #[command(after_help = GATEWAY_EXAMPLES)]
    Run(dlp_proxy::cli::Args),
}

/// Print the JSON Schema of an output format.
#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// Which one
    pub(crate) name: SchemaName,
}

/// Published schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaName {
    /// A line of `--format jsonl`
    Finding,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  dlp completions bash > ~/.local/share/bash-completion/completions/dlp
  dlp completions fish > ~/.config/fish/completions/dlp.fish";

/// Print a completion script for a shell.
#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// `4096`, `64K`, `10M`, `2G`; powers of 1,024.
fn parse_size(text: &str) -> Result<u64, String> {
    let expected = || format!("expected a size like 4096, 64K, 10M or 2G, found `{text}`");
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| expected())?;
    number.checked_mul(1 << shift).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_bytes_or_powers_of_1024() {
        let rows =
            [("0", Some(0)), ("64K", Some(65_536)), ("2g", Some(1 << 31)), ("", None), ("1T", None), ("-1", None)];
        for (text, expected) in rows {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        assert!(parse_size("99999999999999999999").is_err());
        assert!(parse_size("18446744073709551615G").is_err());
    }
}
