"""Words that a generated sentence may never contain, with what to say instead. The tests apply it to all text that reports give.

It judges our sentences, not names or quotations: those are passed separately and blanked first, so a data set may be called
"Unbiased".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ONE = "one model on one data set shows nothing in general"
BLANK = "⟨name⟩"
MEASURED = "only the model that was measured"
RULES: dict[str, str] = {
    r"\b(no|free of|without|not) (\w+ )?bias": "absence of bias cannot be shown; say what could have been detected",
    r"\b(un)?bias(ed|es|-free)?\b": "say which rate differs by how much",
    r"\b(in)?accura(cy|cies|te|tely)\b": "say false match rate or false non-match rate; there is no single figure",
    r"\b(dis)?prov(e|es|ed|en|ing|ably)\b|\bproofs?\b|\brefut|\bdebunk|\bvindicat": ONE,
    r"\b(confirm|demonstrat|establish|verif|falsif)(s|y|ies|ed|ied|es|ing)? (that|the claim|EFF|Klare|Wyden|NIST|Senator)": ONE,
    r"\b(EFF|Klare|Wyden|NIST)('s claim)? (is|are|was|were) (right|wrong|true|false|correct|mistaken)\b": ONE,
    r"\b(in general|in all cases|always|universally|every (system|algorithm)|all (systems|algorithms|models))\b": ONE,
    r"\bbecause of\b|\bdue to\b|\bcaus(e|es|ed|ing|al|ally)\b|\bowing to\b|\bthanks to\b": "observational groups show no causes",
    r"\b(leads?|led) to (a )?(higher|lower|more|fewer)\b|\bexplained by\b|\bblame\b": "observational groups show no causes",
    r"\bracis[tm]\b|\bsexis[tm]\b|\bdiscriminat|\bprejudice": "a rate is not an intent",
    r"\brace\b|\braces\b|\bracial(ly)?\b": "name the label, and who gave it",
    r"\b(true|actual|real) (ethnicity|gender|sex|skin tone|age)\b": "name the label, and who gave it",
    r"\b(Black|White|Asian|Hispanic|Latino|Indian|darker-skinned|lighter-skinned) (people|persons?|men|women|faces|subjects)\b": (
        "say as whom they are labelled"
    ),
    r"\b(looks?|appears?) (Black|White|Asian|female|male)\b": "no guessing of anybody's group",
    r"\b(performs?|works?) (equally|worse|better|well|poorly)\b|\bequally well\b": "say which rate",
    r"\b(is|are) (un)?fair\b|\b(un)?fairness\b": "say which rate",
    r"\bno difference\b(?! beyond chance\b)": "say no difference beyond chance, and what could have been detected",
    r"\bequal (error|false [a-z-]+) rates\b|\b(do|does) not differ\b|\bthe same (error )?rates? for\b": (
        "say no difference beyond chance, and what could have been detected"
    ),
    r"\bfa(ce|cial)[ -](recognition|matching) (is|are|has|have|fails?|works?|does|misidentif)": MEASURED,
    r"\bpolice\b|\bcommercial (system|product)|\blaw enforcement\b|\bdeployed\b": MEASURED,
    r"\b(Clearview|Rekognition|Amazon|Microsoft|Cognitec|NeoFace|NEC|Idemia|Face\+\+|Megvii|Paravision|Corsight)\b": MEASURED,
    r"\bconform(s|ant|ance)?\b|\bcomplian(t|ce)\b|\bcertif(y|ies|ied)\b": "follows, never conforms",
    r"\b(safe|trustworthy|reliable) (to use|for use|enough)\b": "say what was measured; what is enough is for others to say",
    rf"{BLANK} (people|persons?|men|women|faces)\b": "say as whom they are labelled",
    r"\bGender Shades\b": "it is about telling gender, not about matching faces",
    r"\b(genuine|impostors?)\b|\bfeature vectors?\b": "mated, non-mated, template",
}  # fmt: skip


def forbidden(text: str, names: Iterable[str] = ()) -> list[str]:
    """Return the forbidden claims in `text`, with advice for each.

    Empty if there are none.

    names: of data sets, models, groups and the like, and quotations: not ours, so not judged.
    """
    for name in sorted({candidate for candidate in names if candidate.strip()}, key=len, reverse=True):
        text = text.replace(name, BLANK)
    return [
        f"“{match.group(0)}”: {advice}"
        for pattern, advice in RULES.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
