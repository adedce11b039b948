"""Languages that the engine's model reads, by their ISO 639 codes."""

from __future__ import annotations

from retrieval.errors import UsageError

AUTO = "auto"
"""Whatever is written: Japanese or Chinese where most letters are, else an alphabet."""

WIDE = ("ja", "zh")
"""Written with wide signs, without spaces, and in columns too."""

LANGUAGES = (
    *("af", "az", "bs", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "gl", "hr", "hu", "id"),
    *("is", "it", "ja", "ku", "la", "lb", "lt", "lv", "mi", "ms", "mt", "nl", "no", "oc", "pl", "pt", "qu", "rm", "ro"),
    *("sk", "sl", "sq", "sv", "sw", "tl", "tr", "uz", "vi", "zh"),
)


def checked_language(language: str) -> str:
    """`auto` or a code such as `en` (`en-GB` counts as `en`); raises `UsageError` for one that no model reads."""
    code = language.strip().lower().replace("_", "-").split("-")[0]
    if code != AUTO and code not in LANGUAGES:
        raise UsageError(
            f"the OCR engine has no model for the language {language!r}: "
            f"choose {AUTO}, or one of {', '.join(LANGUAGES)}"
        )
    return code
