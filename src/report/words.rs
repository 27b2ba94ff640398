//! The headings of text reports, in every language.

use crate::language::Language;

/// The words of a report in one language.
pub struct Words {
    pub nothing_wrong: &'static str,
    pub no_exchanges: &'static str,
    pub evidence: &'static str,
    /// What leads to the other causes: of one that is possible, and of one that is likely.
    pub sureness: [&'static str; 2],
    pub alternatives: &'static str,
    pub tell: &'static str,
    pub to_do: &'static str,
    pub more: &'static str,
    pub exchanges: &'static str,
    pub not_checked: &'static str,
    pub repaired: &'static str,
    pub codes: &'static str,
    pub faq_none: &'static str,
    pub faq_several: &'static str,
    pub severity: [&'static str; 4],
    pub operations: &'static str,
    /// In the order of the kinds.
    pub kind: [&'static str; 7],
    /// In the order of the outcomes.
    pub outcome: [&'static str; 4],
    /// In the order of the steps that may be missing.
    pub missing: [&'static str; 4],
    /// One, and several.
    pub layers: [&'static str; 2],
    pub retries: [&'static str; 2],
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
    sureness: ["Causes about as likely, in order", "Less likely causes, in order"],
    alternatives: "Other causes of the same evidence, the likeliest first",
    tell: "How to tell",
    to_do: "What to do",
    more: "More",
    exchanges: "Exchanges",
    not_checked: "Not checked, since the file does not have what it takes",
    repaired: "Not as it should be in the file",
    codes: "Also found by",
    faq_none: "No entry has all of these words. `pulltap faq` lists all of them.",
    faq_several: "`pulltap faq NAME` shows one of them in full.",
    severity: ["normal", "notice", "warning", "error"],
    operations: "Operations",
    kind: ["pull", "push", "login", "delete", "list", "REST call", "unknown"],
    outcome: ["ok", "failed", "stopped early", "running"],
    missing: [
        "no token was asked for",
        "the token was never used",
        "the blob host was not asked",
        "no manifest was pushed",
    ],
    layers: ["layer", "layers"],
    retries: ["retry", "retries"],
};

const JA: Words = Words {
    nothing_wrong: "問題は見つかりませんでした。",
    no_exchanges: "通信の記録がありません。",
    evidence: "根拠",
    sureness: ["同じくらい考えられる原因 (可能性の高い順)", "可能性がより低い原因 (可能性の高い順)"],
    alternatives: "同じ根拠で考えられるほかの原因 (可能性の高い順)",
    tell: "見分け方",
    to_do: "対処方法",
    more: "詳細",
    exchanges: "通信",
    not_checked: "ファイルに必要な情報がないため確認できなかった項目",
    repaired: "ファイルの不備",
    codes: "検索できるコードなど",
    faq_none: "すべての語を含む項目はありません。`pulltap faq` で一覧を表示できます。",
    faq_several: "`pulltap faq 名前` で 1 つの項目の全文を表示します。",
    severity: ["正常", "お知らせ", "警告", "エラー"],
    operations: "操作",
    kind: ["プル", "プッシュ", "ログイン", "削除", "一覧", "REST 呼び出し", "不明"],
    outcome: ["成功", "失敗", "途中で終了", "実行中"],
    missing: [
        "トークンが要求されていません",
        "トークンが使用されていません",
        "BLOB ホストへの要求がありません",
        "マニフェストがプッシュされていません",
    ],
    layers: ["レイヤー", "レイヤー"],
    retries: ["回の再試行", "回の再試行"],
};

const ZH_HANT: Words = Words {
    nothing_wrong: "未發現問題。",
    no_exchanges: "檔案中沒有任何通訊記錄。",
    evidence: "證據",
    sureness: ["可能性相近的其他原因（依可能性排列）", "可能性較低的其他原因（依可能性排列）"],
    alternatives: "相同證據的其他可能原因（依可能性排列）",
    tell: "分辨方法",
    to_do: "處理方式",
    more: "詳細資訊",
    exchanges: "通訊",
    not_checked: "檔案缺少所需資訊，因此未檢查的項目",
    repaired: "檔案中的問題",
    codes: "其他搜尋關鍵字",
    faq_none: "沒有包含所有字詞的項目。`pulltap faq` 可列出全部項目。",
    faq_several: "`pulltap faq 名稱` 可顯示單一項目的全文。",
    severity: ["正常", "注意", "警告", "錯誤"],
    operations: "作業",
    kind: ["提取", "推送", "登入", "刪除", "列出", "REST 呼叫", "不明"],
    outcome: ["成功", "失敗", "提早結束", "進行中"],
    missing: ["未要求權杖", "權杖從未使用", "未向 Blob 主機要求", "未推送資訊清單"],
    layers: ["層", "層"],
    retries: ["次重試", "次重試"],
};
