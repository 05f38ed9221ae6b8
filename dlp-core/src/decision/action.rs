//! What a policy can say: actions, stages, fail modes, and the decision that carries one of them with its reasons.

use super::words::words;
use crate::base::Severity;

words! {
    /// What happens to a transfer, from weak to strong. Across policies the strongest wins.
    Action {
        /// Forwarded.
        Allow = "allow",
        /// Forwarded and recorded.
        Log = "log",
        /// Held until the user gives a reason.
        Coach = "coach",
        /// Forwarded with the findings replaced.
        Redact = "redact",
        /// Kept back for a reviewer.
        Quarantine = "quarantine",
        /// Refused.
        Block = "block",
    }
}

words! {
    /// How far a rule may go. The lower of policy and rule counts.
    Stage {
        /// Every decision becomes `log`.
        Monitor = "monitor",
        /// Decisions stronger than `coach` become `coach`.
        Coach = "coach",
        /// Decisions stand.
        Block = "block",
    }
}

words! {
    /// What happens when content could not be inspected completely.
    FailMode {
        /// Forwarded and marked.
        Open = "open",
        /// The user is asked.
        Coach = "coach",
        /// Kept back for a reviewer.
        Quarantine = "quarantine",
        /// Refused.
        Closed = "closed",
    }
}

impl Stage {
    /// The action that remains of `action` at this stage.
    #[must_use]
    pub fn cap(self, action: Action) -> Action {
        match self {
            Self::Monitor => Action::Log,
            Self::Coach => action.min(Action::Coach),
            Self::Block => action,
        }
    }
}

impl FailMode {
    /// The action that an incomplete inspection leads to.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::Open => Action::Log,
            Self::Coach => Action::Coach,
            Self::Quarantine => Action::Quarantine,
            Self::Closed => Action::Block,
        }
    }
}

/// The answer of a policy to one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is to happen.
    pub action: Action,
    /// What would happen if neither policy nor rule had a stage below `block`.
    pub would_decide: Action,
    /// Id of the policy that decided.
    pub policy: String,
    /// Version of that policy.
    pub policy_version: u32,
    /// Id of the rule that decided; `None` for the policy's default.
    pub rule: Option<String>,
    /// Title of the rule, or of the policy for its default. For people.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Id of the text that the user is shown, when the rule names one.
    pub message: Option<String>,
    /// The fail mode, when the decision comes from incomplete inspection and not from what was found.
    pub fail: Option<FailMode>,
    /// Ids of the exceptions that lifted a rule from this transfer.
    pub exceptions: Vec<String>,
    /// Why, in sentences for people. Never holds a matched value.
    pub reasons: Vec<String>,
}

/// What the head of a request already decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadDecision {
    /// Nothing in the content can change it: refuse, or pass without inspection.
    Final(Decision),
    /// The content decides.
    Inspect,
}
