//! The headings of text reports, in every language.

use crate::language::Language;

/// The words of a report in one language.
pub struct Words {
    pub nothing_wrong: &'static str,
    pub no_exchanges: &'static str,
    pub evidence: &'static str,
    pub to_do: &'static str,
    pub more: &'static str,
    pub exchanges: &'static str,
    pub not_checked: &'static str,
    pub repaired: &'static str,
    pub severity: [&'static str; 4],
}

/// The words in a language.
pub fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::Ja => &JA,
        Language::ZhHant => &ZH_HANT,
    }
}

const EN: Words = Words {
    nothing_wrong: "Nothing wrong was found.",
    no_exchanges: "There are no exchanges in it.",
    evidence: "Evidence",
    to_do: "What to do",
    more: "More",
    exchanges: "Exchanges",
    not_checked: "Not checked, since the file does not have what it takes",
    repaired: "Not as it should be in the file",
    severity: ["normal", "notice", "warning", "error"],
};

const JA: Words = Words {
    nothing_wrong: "問題は見つかりませんでした。",
    no_exchanges: "通信の記録がありません。",
    evidence: "根拠",
    to_do: "対処方法",
    more: "詳細",
    exchanges: "通信",
    not_checked: "ファイルに必要な情報がないため確認できなかった項目",
    repaired: "ファイルの不備",
    severity: ["正常", "お知らせ", "警告", "エラー"],
};

const ZH_HANT: Words = Words {
    nothing_wrong: "未發現問題。",
    no_exchanges: "檔案中沒有任何通訊記錄。",
    evidence: "證據",
    to_do: "處理方式",
    more: "詳細資訊",
    exchanges: "通訊",
    not_checked: "檔案缺少所需資訊，因此未檢查的項目",
    repaired: "檔案中的問題",
    severity: ["正常", "注意", "警告", "錯誤"],
};
