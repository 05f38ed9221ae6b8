//! ISO 3166-1 alpha-2 codes.

/// Codes one after the other, sorted; Kosovo's user-assigned `XK` is in use with banks.
const ALPHA2: &[u8] = b"\
ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDK\
DMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKI\
KMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPH\
PKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVA\
VCVEVGVIVNVUWFWSXKYEYTZAZMZW";

/// Whether two upper-case letters are a country.
pub(super) fn is_alpha2(code: &[u8]) -> bool {
    ALPHA2.chunks_exact(2).any(|known| known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_whole() {
        assert_eq!(ALPHA2.len(), 250 * 2, "249 codes of the standard and Kosovo");
        assert!(ALPHA2.chunks_exact(2).is_sorted());
        assert!(is_alpha2(b"PL") && is_alpha2(b"XK") && !is_alpha2(b"XQ") && !is_alpha2(b"P"));
    }
}
