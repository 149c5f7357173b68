"""Months as spreadsheets write them in several languages, for ranges of ages that were taken for dates."""

from __future__ import annotations

_NAMES = (
    # English, German, French, Spanish, Italian, Portuguese, Dutch, Danish, Norwegian and Swedish, then others
    "jan january januar jän jänner janv janvier ene enero gen gennaio janeiro januari ιαν янв январь января січ sty styczeń oca ocak "
    "tammi tammikuu ledna leden i",
    "feb february februar fév févr février febrero febbraio fev fevereiro februari φεβ фев февр февраль февраля лют lut luty şub "
    "şubat helmi helmikuu ii",
    "mar march mär märz mrz mars marzo março mrt maart marts μαρ мар март марта бер marzec mart maalis maaliskuu iii",
    "apr april avr avril abr abril aprile απρ апр апрель апреля кві kwi kwiecień nis nisan huhti huhtikuu iv",
    "may mai mayo mag maggio maio mei maj μαϊ μαΐ май мая тра mayıs touko toukokuu v",
    "jun june juni juin junio giu giugno junho ιουν июн июнь июня чер cze czerwiec haz haziran kesä kesäkuu vi",
    "jul july juli juil juillet julio lug luglio julho ιουλ июл июль июля лип lipiec tem temmuz heinä heinäkuu vii",
    "aug august août aou ago agosto augustus augusti αυγ авг август августа sie sierpień ağu ağustos elo elokuu viii",
    "sep sept september septembre septiembre set sett settembre setembro σεπ сен сент сентябрь сентября вер wrz wrzesień eyl eylül "
    "syys syyskuu ix",
    "oct october okt oktober octobre octubre ott ottobre out outubro οκτ окт октябрь октября жов paź październik eki ekim loka "
    "lokakuu x",
    "nov november novembre noviembre novembro νοε ноя нояб ноябрь ноября kas kasım marras marraskuu xi",
    "dec december dez dezember déc décembre dic diciembre dicembre dezembro des δεκ дек декабрь декабря гру gru grudzień ara aralık "
    "joulu joulukuu xii",
)
"""Names that are two months in two languages (lis, srp) are in none."""

MONTHS = {name.casefold(): number for number, names in enumerate(_NAMES, 1) for name in names.split()}
"""Name or abbreviation, without its full stop → month, 1 to 12."""
