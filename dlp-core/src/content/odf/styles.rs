//! Which styles hide what bears them.

use crate::content::xml::Element;
use std::collections::HashSet;

/// Styles that are remembered.
const STYLES_MAX: usize = 100_000;

/// Names of styles that hide.
#[derive(Default)]
pub(super) struct Styles {
    open: Option<String>,
    hiding: HashSet<String>,
}

impl Styles {
    /// Looks at an element of a style.
    pub(super) fn start(&mut self, element: &Element<'_>) {
        match element.local_name() {
            "style" => self.open = element.attribute("name"),
            "table-properties" if element.attribute("display").as_deref() == Some("false") => self.hide(),
            "text-properties" if element.attribute("display").as_deref() == Some("none") => self.hide(),
            "drawing-page-properties" | "properties"
                if element.attribute("visibility").as_deref() == Some("hidden") =>
            {
                self.hide();
            }
            "properties" if matches!(element.attribute("display").as_deref(), Some("false" | "none")) => self.hide(),
            _ => {}
        }
    }

    /// Whether what bears this style is hidden.
    pub(super) fn hides(&self, style: Option<String>) -> bool {
        style.is_some_and(|style| self.hiding.contains(&style))
    }

    fn hide(&mut self) {
        if let Some(name) = self.open.take()
            && self.hiding.len() < STYLES_MAX
        {
            self.hiding.insert(name);
        }
    }
}
