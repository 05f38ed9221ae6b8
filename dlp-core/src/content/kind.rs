//! What a run of bytes is, told by its content and never by its name.

use std::fmt;

/// File kinds that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Text in some character set.
    Text,
    /// ZIP archive without a more special meaning.
    Zip,
    /// gzip stream.
    Gzip,
    /// bzip2 stream.
    Bzip2,
    /// xz stream.
    Xz,
    /// lzip stream.
    Lzip,
    /// lzma stream without a container.
    Lzma,
    /// zstd stream.
    Zstd,
    /// lz4 stream.
    Lz4,
    /// Stream of `compress`.
    Compress,
    /// Stream of snappy, in frames.
    Snappy,
    /// Stream of brotli, told by its name.
    Brotli,
    /// tar archive.
    Tar,
    /// ar archive, also a Debian package.
    Ar,
    /// cpio archive.
    Cpio,
    /// RPM package.
    Rpm,
    /// Pages of the web as crawlers keep them.
    Warc,
    /// Image of a disk.
    Iso,
    /// 7z archive.
    SevenZip,
    /// RAR archive.
    Rar,
    /// Cabinet.
    Cabinet,
    /// Word document (Office Open XML).
    Docx,
    /// Excel workbook (Office Open XML).
    Xlsx,
    /// PowerPoint presentation (Office Open XML).
    Pptx,
    /// SQLite database.
    Sqlite,
    /// Parquet file.
    Parquet,
    /// Avro file.
    Avro,
    /// Property list of Apple's programs, in its binary form.
    PropertyList,
    /// Pack of git.
    GitPack,
    /// Bundle of git.
    GitBundle,
    /// Notebook of OneNote.
    OneNote,
    /// Store of Outlook.
    Pst,
    /// JPEG image.
    Jpeg,
    /// PNG image.
    Png,
    /// GIF image.
    Gif,
    /// TIFF image, also the raw files of cameras that are one.
    Tiff,
    /// WebP image.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// Drawing of Windows, of the older or the newer format.
    Metafile,
    /// PDF document.
    Pdf,
    /// OpenDocument of any kind, also in one XML file, and its forerunner of StarOffice.
    OpenDocument,
    /// HTML, XHTML and SVG.
    Html,
    /// Rich Text Format.
    Rtf,
    /// A message of mail, or another file of MIME parts.
    Mail,
    /// Messages of mail in a row.
    Mailbox,
    /// Compound file of unknown content, also the wrapper of encrypted Office Open XML.
    Cfb,
    /// Word document of 1997 to 2003.
    Doc,
    /// Workbook of 1993 to 2003.
    Xls,
    /// Presentation of 1997 to 2003.
    Ppt,
    /// Message of Outlook.
    Msg,
    /// Message of Outlook packed into an attachment.
    Tnef,
    /// Signed or enveloped message.
    Cms,
    /// A format that is recognised but has no handler.
    Other(&'static str),
    /// Nothing that is recognised.
    Binary,
}

impl Kind {
    /// Whether it is a picture, whose pixels may show text.
    #[must_use]
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Gif | Self::Tiff | Self::Webp | Self::Bmp)
    }

    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Zip => "zip",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzip => "lzip",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Compress => "compress",
            Self::Snappy => "snappy",
            Self::Brotli => "brotli",
            Self::Tar => "tar",
            Self::Ar => "ar",
            Self::Cpio => "cpio",
            Self::Rpm => "rpm",
            Self::Warc => "warc",
            Self::Iso => "iso9660",
            Self::SevenZip => "7z",
            Self::Rar => "rar",
            Self::Cabinet => "cab",
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Pptx => "pptx",
            Self::Sqlite => "sqlite",
            Self::Parquet => "parquet",
            Self::Avro => "avro",
            Self::PropertyList => "plist",
            Self::GitPack => "git-pack",
            Self::GitBundle => "git-bundle",
            Self::OneNote => "onenote",
            Self::Pst => "pst",
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Webp => "webp",
            Self::Bmp => "bmp",
            Self::Metafile => "metafile",
            Self::Pdf => "pdf",
            Self::OpenDocument => "opendocument",
            Self::Html => "html",
            Self::Rtf => "rtf",
            Self::Mail => "mail",
            Self::Mailbox => "mailbox",
            Self::Cfb => "cfb",
            Self::Doc => "doc",
            Self::Xls => "xls",
            Self::Ppt => "ppt",
            Self::Msg => "msg",
            Self::Tnef => "tnef",
            Self::Cms => "cms",
            Self::Other(name) => name,
            Self::Binary => "binary",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
