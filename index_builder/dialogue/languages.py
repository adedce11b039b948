"""Languages of the OCR model, by ISO 639 code."""

from __future__ import annotations

from retrieval.errors import UsageError

AUTO = "auto"
"""Detect per page: Chinese or Japanese if half of the letters are CJK, else a language with an alphabet."""

CJK_LANGUAGES = ("ja", "zh")
"""Languages written without spaces, in lines or columns. The model has no Korean."""

LANGUAGES = (
    *("af", "az", "bs", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "gl", "hr", "hu", "id"),
    *("is", "it", "ja", "ku", "la", "lb", "lt", "lv", "mi", "ms", "mt", "nl", "no", "oc", "pl", "pt", "qu", "rm", "ro"),
    *("sk", "sl", "sq", "sv", "sw", "tl", "tr", "uz", "vi", "zh"),
)


def parse_language(language: str) -> str:
    """Return `auto` or a code such as `en`; the region in `en-GB` is ignored.

    Raises `UsageError` for a language without a model.
    """
    code = language.strip().lower().replace("_", "-").split("-")[0]
    if code != AUTO and code not in LANGUAGES:
        raise UsageError(
            f"the OCR engine has no model for the language {language!r}",
            hint=f"choose {AUTO}, or one of {', '.join(LANGUAGES)}",
        )
    return code
