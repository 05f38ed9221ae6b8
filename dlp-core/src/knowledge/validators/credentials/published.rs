//! Credentials that their vendors printed themselves, in manuals, samples and the tests of their libraries.
//!
//! Such a value has every mark of a live one, so only a list tells it apart. The list holds hashes: the values
//! themselves would make every other scanner stop at this file, and ours too. It was gathered from the public
//! repositories of the vendors (Google's Firebase and Maps libraries, the NuGet manual, the AWS command line, the
//! interface descriptions of Twilio and DigitalOcean, the Freemius library), from the manuals of Stripe, GitHub, Mailgun
//! and SendGrid, and of what emulators and test networks give to everybody: the keys of Azurite and of the emulator of
//! Cosmos DB, and of the first accounts of Hardhat, Ganache and Truffle. Keys of private persons are not in it, wherever they were printed. A row is made by `printf %s
//! VALUE | b3sum
//! --length 8 --derive-key CONTEXT`, with the context below.

/// The name under which values are hashed.
const CONTEXT: &str = "dlp 2026 published credentials";

/// The row of a value: the first eight bytes of its hash, the most significant first.
fn row(value: &[u8]) -> u64 {
    let hash = blake3::derive_key(CONTEXT, value);
    hash.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Whether a value is one of them.
pub(super) fn is_published(value: &[u8]) -> bool {
    (8..=300).contains(&value.len()) && ROWS.binary_search(&row(value)).is_ok()
}

/// The hashes, in ascending order.
#[rustfmt::skip]
static ROWS: &[u64] = &[
    0x01a1_a3e9_9337_4548, 0x01a1_cd65_8f1c_7606, 0x01d3_3ec1_c3bc_ef7f, 0x01f0_856a_da44_5fdc, 0x0242_255b_089e_f202,
    0x02b9_7d46_eac2_6460, 0x0362_a149_f085_65a3, 0x03ab_a9c8_780a_4954, 0x0608_c7f7_f468_623a, 0x068b_5bec_1ae0_73a9,
    0x06a0_3be7_6c31_6fd1, 0x071e_3660_180b_4027, 0x076b_b546_9f49_1e62, 0x0775_10bb_bfdb_79b7, 0x0843_76ba_ea3b_8253,
    0x09b8_8db7_8175_95b8, 0x0b1f_ba99_d931_fe98, 0x0c97_1f74_b131_a674, 0x0e76_6f20_49fb_78e7, 0x0e7d_78f5_831e_064b,
    0x0fa2_41bc_4c99_0bfe, 0x0fab_5300_893d_84d6, 0x103f_9a7e_5a62_06ef, 0x1183_f4c7_050f_177f, 0x1240_543b_25f7_84a6,
    0x124b_a631_d9de_4fe1, 0x1543_2741_6df3_cf6b, 0x15cf_7755_36a2_c06e, 0x1686_9119_05c1_7705, 0x1750_a486_0f15_160b,
    0x1846_4cce_1fce_28c1, 0x1875_f38d_b9e1_6641, 0x18dc_969c_dc70_344f, 0x1978_e221_34e9_fd9e, 0x19dc_7529_5845_47fd,
    0x19e4_cd94_f9b7_a7e1, 0x1a01_e02e_2141_f563, 0x1b95_7973_4725_a029, 0x1c09_5218_4351_a36e, 0x1d80_309d_39e3_d5ee,
    0x1d9a_7525_3fc9_1d10, 0x1f2c_64d1_dccc_7f1a, 0x1f41_a175_832d_c343, 0x207f_8718_43d6_c815, 0x2093_6a12_8eda_9c1f,
    0x209e_4756_2702_2028, 0x21d8_86a5_b920_8de3, 0x22b7_f488_0f49_4709, 0x24e7_a8ef_347e_2485, 0x2538_bac1_69aa_4610,
    0x25ec_9d3e_c64f_f450, 0x263b_541b_6f48_d908, 0x2643_cd7a_2b70_a9aa, 0x2864_9f4f_84ae_36ef, 0x28d0_6592_bef4_4fbf,
    0x29d5_1226_facb_95e3, 0x2bad_eb7d_7f39_4c75, 0x2dc6_dfa9_32d2_9681, 0x2e50_439e_1c93_15ba, 0x2e5c_bf34_b9bd_a1fb,
    0x2f69_9dd1_8baf_7692, 0x2fe7_0285_4709_b444, 0x30ad_a1b1_e92c_f5de, 0x314c_d3d4_42f4_cc4c, 0x3262_23d2_af86_a928,
    0x331c_2975_c0bf_30b9, 0x3360_18e9_8590_4410, 0x3372_0f73_1c6b_3084, 0x33d6_82f3_0a6d_cb73, 0x346d_32cd_81fc_0c5e,
    0x3482_41cc_e160_533d, 0x35ab_924d_d56c_d23f, 0x371d_ecc6_38d2_4b4d, 0x37e9_2a00_e2d3_79f7, 0x3981_7425_0710_d35a,
    0x3d37_3967_1557_5246, 0x3dcd_4aa3_94bc_53c9, 0x3e0e_c07e_0351_dc31, 0x3e9d_5eba_b4e2_315d, 0x3eb3_9bf6_ed7a_f738,
    0x3ebf_0a55_095b_3e67, 0x3ef9_2eae_81dc_4100, 0x3f33_364f_8073_a4a0, 0x3f6e_1e16_aa65_d172, 0x4111_c157_2996_d445,
    0x4171_a86a_deb6_7773, 0x41d0_156b_d7e7_2906, 0x41e6_e384_d690_35b2, 0x4452_97f9_0d84_c505, 0x4468_e0f8_68bf_a715,
    0x4475_d5c3_0c9c_fc96, 0x4481_864b_f73e_2224, 0x4666_9a5b_98a1_a01d, 0x46ce_aaeb_74ab_3510, 0x49c3_a2fd_2853_d533,
    0x4a0f_3cbc_aa8b_e47e, 0x4a6d_aa6d_9049_72ed, 0x4af4_766d_4463_f422, 0x4c30_3484_e1d8_55a8, 0x4c9e_dee7_ebc4_b679,
    0x4d39_877a_85ff_04a7, 0x4e43_6e61_f1a9_a42a, 0x4ebc_9228_c297_7459, 0x4fb2_5059_ad60_3d17, 0x4ff3_ffdb_7c63_ee98,
    0x5097_6a81_c349_6d5e, 0x5117_08cb_cffb_77db, 0x52f7_83c3_c3dc_2b18, 0x532a_6df0_0b09_01db, 0x5463_800e_6bad_3954,
    0x55df_a13d_d289_1627, 0x57ed_4789_09b3_bd12, 0x58f7_6faf_f25a_17e1, 0x5931_be9e_3bf1_f860, 0x5977_1ef6_6b0b_0fd4,
    0x5979_9f54_1324_3d40, 0x5a45_c4f5_e7a1_dd7b, 0x5ab9_c2fc_f2f6_4ddc, 0x5c48_28be_8ee8_ad6a, 0x5ced_ad8c_f0c4_81be,
    0x5f12_a71f_d7cc_4b3f, 0x602a_1b51_54da_9a50, 0x6050_a9a0_4f14_7e78, 0x60a7_6140_01cc_4723, 0x6196_0a6b_a2c9_528b,
    0x62a6_f1c8_10b3_0bf3, 0x63e1_e779_a98f_625f, 0x64bf_099d_a140_4a04, 0x64f4_85b6_b1e3_f398, 0x6555_9f47_7b7f_9fce,
    0x65f5_8c1d_fc6c_53e3, 0x6614_a99a_c6ec_c5ec, 0x66bc_04f9_7d71_6b88, 0x675d_9092_02d4_e1df, 0x6992_ec48_7f9c_1de7,
    0x6ae4_f896_c45e_203f, 0x6bef_1f45_19c4_618b, 0x6c6a_bd50_7472_1152, 0x6db4_a4c9_f339_0930, 0x6dd4_1781_0a3a_93ed,
    0x6e96_e1c0_6319_60af, 0x6ee2_c2a7_51f8_4f01, 0x6eec_358d_dae7_d88d, 0x6f2f_df8a_5c8c_5666, 0x7061_b878_d2b9_338b,
    0x706b_0ca4_f153_7741, 0x714a_f691_7019_eefb, 0x732c_41de_c236_4d51, 0x74ad_124b_91d0_5ede, 0x74da_d7b7_5633_a6dc,
    0x7583_7530_c42c_86d5, 0x75d9_134e_8957_6def, 0x76cd_927c_da8f_b266, 0x780c_e553_213c_fea3, 0x7891_baca_c718_7dff,
    0x78db_8c63_27dc_538f, 0x7939_9164_ce0c_0b10, 0x7a39_dc0a_95df_fb46, 0x7c33_50e9_cf29_9759, 0x7c98_ee52_9b17_7e8c,
    0x7ca8_b52c_bbba_7b6e, 0x7cba_e190_8aae_376c, 0x7d26_d33a_72db_1f75, 0x819c_e94b_d396_7cf7, 0x81fe_3245_c871_57ac,
    0x83f7_7d70_4690_8fc2, 0x859a_554d_dc5d_d2fb, 0x8630_4e03_6862_db11, 0x8696_9321_f1f2_e1ed, 0x86d0_dadd_d13f_3dd8,
    0x873d_aa15_8eb9_3ce6, 0x8787_37e8_5543_d8da, 0x87ae_0bcc_ea29_edc1, 0x87dd_dba4_9655_ce43, 0x89e7_6bc8_d181_5521,
    0x8ad4_6451_1e45_5029, 0x8eda_aa51_4f78_63a1, 0x8f18_e84f_35ab_2fc7, 0x8f4d_b8e5_4be2_f5ef, 0x8f8d_18f9_4f57_ec1d,
    0x8fa7_4d5c_7798_0442, 0x910f_0703_77cd_2320, 0x914a_d169_a45c_0bc8, 0x9178_6233_1dff_1e7a, 0x9208_1da3_ba48_e4c2,
    0x92d2_2541_3e52_b839, 0x932c_b09b_62f0_ce18, 0x939f_35a7_b536_537f, 0x940a_c628_488e_b359, 0x94af_74ed_e6ee_c849,
    0x965f_6b06_ce90_f9ea, 0x973d_a6ce_9cc4_667e, 0x977f_a3d7_1324_a774, 0x98c9_12da_7497_53de, 0x997c_2b98_eb8a_b3d3,
    0x99a4_253c_6b3f_5eea, 0x9a69_dbae_83ac_1de4, 0x9b2b_a599_35e1_42d1, 0x9b2c_010e_6dfa_ed9c, 0x9bb7_a87a_b131_ac51,
    0x9d41_8c95_eef8_7d13, 0x9e36_0863_4535_e0df, 0x9ebb_9841_af94_42d9, 0x9f23_1417_1f79_8cc3, 0xa0a2_60f7_4244_1101,
    0xa11d_9c9c_af38_c2ad, 0xa11d_aaf1_ba8c_2102, 0xa217_6bb6_644a_86ad, 0xa2d1_6ef1_da98_22f2, 0xa2d8_590c_9704_9731,
    0xa2ed_6d3c_9ee4_c66f, 0xa358_b092_37f7_9e45, 0xa4aa_778c_62ef_20c3, 0xa57d_dd82_7bad_5a09, 0xa699_a7f3_0c41_9820,
    0xa75f_d77c_9d6f_a9df, 0xa82c_9587_329c_b69d, 0xa8c8_5705_43af_e90b, 0xa9d6_3c51_dce3_3b96, 0xab1a_d287_928e_56a0,
    0xacc0_69a1_980e_0c67, 0xae5a_c7de_2f2f_a616, 0xae93_9159_f7f5_c88a, 0xb02b_cd96_42bf_dbc1, 0xb2a2_785e_b4c6_37d0,
    0xb320_03f1_4a22_a100, 0xb37f_5338_b635_89a5, 0xb5f0_7a3f_e648_7244, 0xb657_8927_5329_a56c, 0xb65f_bbd4_370d_667c,
    0xb799_a9fe_baba_0c8a, 0xbb46_fc1e_42d0_75a4, 0xbc29_989a_2fe9_e3ea, 0xbc7b_d0b6_f57c_214a, 0xbe0d_136f_d59c_69af,
    0xbe68_7f0d_103c_d22d, 0xbe8a_de23_bbf7_4bad, 0xbf90_6ca7_5b5f_b97c, 0xbff3_149d_ded1_2b90, 0xc0ea_3127_eefc_e2d8,
    0xc1d9_3b0e_1e7d_efb3, 0xc23d_29f4_91b2_c69b, 0xc4d0_1109_4107_e588, 0xc656_09f6_2b7f_b70a, 0xc7db_ea77_1875_ef9d,
    0xc8b0_e168_a7c8_e52a, 0xcb39_2fd7_b4cd_8ab9, 0xcd1b_d417_74bf_0887, 0xcd3c_9405_7a15_ffb5, 0xcd52_b546_715a_fe7b,
    0xcd79_21bf_4b47_f1a7, 0xcd94_aa91_483b_9941, 0xcda6_9756_ffc0_96ce, 0xcdc0_2d01_9e1f_5919, 0xd047_1cf7_585f_40b7,
    0xd0af_4129_3c4b_0256, 0xd268_c5a4_ebd3_1a96, 0xd3b6_f6fc_f28e_2708, 0xd40e_a77c_5c21_624d, 0xd681_f810_e5e3_e512,
    0xd80e_4593_68da_3d50, 0xda50_07d7_b615_9663, 0xdbb2_1a24_260c_2096, 0xdc92_af82_5ace_7a04, 0xdcdf_84dc_0648_fdf7,
    0xdd29_7172_d0ea_c527, 0xde97_a741_0597_29df, 0xdf6c_4ea8_7611_f192, 0xdfc1_4c0e_b52a_cde6, 0xe101_7498_1b9d_e7cb,
    0xe1f2_ec48_9dce_3541, 0xe575_36f3_9410_fd5d, 0xe929_b3be_e692_9b06, 0xea49_06c9_8045_dcc1, 0xea5c_ee9a_8acc_20ff,
    0xebb2_7423_fd13_a661, 0xeee9_9d6a_5a10_8a1c, 0xef17_b6d4_21cc_efa7, 0xef89_e866_5fb0_6285, 0xf12d_15d8_d589_6dc3,
    0xf12f_0947_618a_46f0, 0xf351_8724_5037_ede6, 0xf3ec_47de_8b55_37b9, 0xf44b_08cc_4b67_5538, 0xf496_5d88_c2c2_0b41,
    0xf4e9_1fb8_9c1f_8cef, 0xf607_688f_2779_b350, 0xf661_43c7_0243_352d, 0xf6fc_af27_6550_e75c, 0xf73d_df61_1feb_2224,
    0xf7ad_4002_8cc2_27fe, 0xf87c_2069_16ed_5441, 0xf88d_15b6_3098_60f2, 0xfa55_b124_169a_1a5e, 0xfaa3_e243_ed26_7640,
    0xfadc_b5a6_163e_ce01, 0xfb0a_e582_93f7_99a1, 0xfe39_c5cb_0147_befe, 0xff4a_b8ee_aeec_2b4a,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_ascend() {
        assert!(ROWS.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_printed_key_is_known_and_its_neighbour_is_not() {
        let stripe = concat!("sk_", "test_4eC39HqLyjWDarjt", "T1zdp7dc");
        let rows = [(stripe, true), (&stripe[..31], false), ("", false), ("sunshine77", false)];
        for (value, expected) in rows {
            assert_eq!(is_published(value.as_bytes()), expected, "{value}");
        }
    }
}
