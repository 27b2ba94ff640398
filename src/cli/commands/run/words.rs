//! What `pulltap run` says, in every language.

use crate::language::Language;

/// The words in one language. `{…}` stands for what is filled in.
pub struct Words {
    /// The command asks a daemon, which pulltap would have to be set up for.
    pub asks_a_daemon: &'static str,
    /// There is no such command.
    pub not_found: &'static str,
    /// Nothing came through the proxy.
    pub nothing_seen: &'static str,
    /// Nothing was recorded, and no session is kept.
    pub nothing_kept: &'static str,
    /// Nothing is wrong.
    pub nothing_wrong: &'static str,
    /// Requests failed, and nothing says why.
    pub unexplained: &'static str,
    /// How much there was, and where it is.
    pub summary: &'static str,
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
    asks_a_daemon: "`{command}` asks a daemon, and it is the daemon that talks to the registry: `pulltap run` does not see that. To \
                    see it, start `pulltap` and point the daemon at it; `{setup}` says how.",
    not_found: "there is no command `{command}`",
    nothing_seen: "nothing came through the proxy. The command made no request, or it does not read HTTPS_PROXY, or another \
                   program makes its requests.",
    nothing_kept: "Nothing was recorded, so no session is kept.",
    nothing_wrong: "nothing wrong was found.",
    unexplained: "requests failed, and no cause was found.",
    summary: "exchanges: {exchanges}, failed: {failed}; all of them: pulltap report {session}",
};

const JA: Words = Words {
    asks_a_daemon: "`{command}` はデーモンに依頼するだけで、レジストリと通信するのはデーモンです。そのため `pulltap run` からは見えません。\
                    見るには `pulltap` を起動し、デーモンをそこへ向けます。方法は `{setup}` で確認できます。",
    not_found: "`{command}` というコマンドはありません",
    nothing_seen: "プロキシを通った通信はありませんでした。コマンドが要求を行わなかったか、HTTPS_PROXY を読まないか、別のプログラムが要求を行っています。",
    nothing_kept: "記録されたものがないため、セッションは残していません。",
    nothing_wrong: "問題は見つかりませんでした。",
    unexplained: "失敗した要求がありますが、原因は見つかりませんでした。",
    summary: "通信 {exchanges} 件、うち失敗 {failed} 件。すべて見るには: pulltap report {session}",
};

const ZH_HANT: Words = Words {
    asks_a_daemon: "`{command}` 只是向精靈提出請求，與登錄通訊的是精靈，因此 `pulltap run` 看不到。若要查看，請啟動 `pulltap` 並讓精靈使用它；\
                    做法請見 `{setup}`。",
    not_found: "沒有 `{command}` 這個命令",
    nothing_seen: "沒有任何流量經過 Proxy。命令可能未提出要求、不讀取 HTTPS_PROXY，或由其他程式代為提出要求。",
    nothing_kept: "沒有任何記錄，因此未保留工作階段。",
    nothing_wrong: "未發現問題。",
    unexplained: "有要求失敗，但未找到原因。",
    summary: "通訊 {exchanges} 筆，失敗 {failed} 筆；查看全部：pulltap report {session}",
};
