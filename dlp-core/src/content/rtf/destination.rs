//! Where the text of a group belongs, by the control word that opens it.

use crate::content::Role;

/// What is done with the text of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// The running text.
    Main,
    /// Text that stands beside the running text.
    Beside(Role),
    /// A property of this name.
    Property(&'static str),
    /// The value that follows a name.
    Value,
    /// Names of fonts and the character sets they are written in.
    Fonts,
    /// Hexadecimal digits that stand for a file.
    Bytes,
}

/// The destination that a control word opens, if it opens one. A word behind `\*` that is unknown opens one too.
pub(super) fn of(word: &str, is_starred: bool) -> Option<Destination> {
    use Destination::{Beside, Bytes, Fonts, Property, Value};
    Some(match word {
        "header" | "headerl" | "headerr" | "headerf" => Beside(Role::Header),
        "footer" | "footerl" | "footerr" | "footerf" => Beside(Role::Footer),
        "footnote" | "ftnsep" | "ftnsepc" | "aftnsep" | "aftnsepc" => Beside(Role::Note),
        "annotation" | "atnid" | "atnauthor" | "atnref" | "atrfstart" | "atrfend" => Beside(Role::Comment),
        "fldinst" | "formula" => Beside(Role::Formula),
        "ffname" | "ffdeftext" | "ffhelptext" | "ffstattext" | "ffl" | "datafield" => Beside(Role::Form),
        "xe" | "tc" | "tcn" | "rxe" => Beside(Role::Hidden),
        "shptxt" | "shprslt" | "dptxbxtext" => Beside(Role::Drawing),
        "hl" | "hlloc" | "hlsrc" | "hlfr" | "linkstyles" | "template" => Beside(Role::Link),
        "objdata" | "pict" | "datastore" | "themedata" | "colorschememapping" | "passwordhash" | "blipuid" => Bytes,
        "fonttbl" => Fonts,
        // Numbers of type foundries, which look like those of people.
        "panose" | "rsidtbl" | "fontemb" | "fontfile" => Beside(Role::Raw),
        "title" => Property("title"),
        "subject" => Property("subject"),
        "author" => Property("author"),
        "manager" => Property("manager"),
        "company" => Property("company"),
        "operator" => Property("operator"),
        "category" => Property("category"),
        "keywords" => Property("keywords"),
        "comment" => Property("comment"),
        "doccomm" => Property("comments"),
        "hlinkbase" => Property("hlinkbase"),
        "generator" => Property("generator"),
        "propname" => Property(""),
        "staticval" | "linkval" => Value,
        // The results of fields and drawn text are running text.
        "fldrslt" | "listtext" | "pntext" | "shppict" | "ud" | "nonshppict" => return None,
        "stylesheet" | "colortbl" | "revtbl" | "listtable" | "docvar" | "filetbl" => Beside(Role::Data),
        _ if is_starred => Beside(Role::Data),
        _ => return None,
    })
}

/// The text of a control word that stands for a character.
pub(super) fn character(word: &str) -> Option<&'static str> {
    Some(match word {
        "par" | "line" | "sect" | "page" | "softline" | "softpage" | "softcol" | "column" | "lbr" | "row"
        | "nestrow" => "\n",
        "tab" | "cell" | "nestcell" => "\t",
        "emdash" => "\u{2014}",
        "endash" => "\u{2013}",
        "lquote" => "\u{2018}",
        "rquote" => "\u{2019}",
        "ldblquote" => "\u{201C}",
        "rdblquote" => "\u{201D}",
        "bullet" => "\u{2022}",
        "emspace" | "enspace" | "qmspace" => " ",
        _ => return None,
    })
}

/// The code page that the character set of a font implies.
pub(super) fn code_page(font_charset: i32) -> Option<u32> {
    Some(match font_charset {
        0 | 2 => 1252,
        77 => 10000,
        78 | 128 => 932,
        129 | 130 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178..=180 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        254 => 437,
        255 => 850,
        _ => return None,
    })
}
