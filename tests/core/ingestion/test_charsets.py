"""Texts are decoded whatever charset they declare, and however few of their bytes are wrong."""

import pytest

from core.ingestion.charsets import decode

TEXTS = {
    "cp1252": "Die Möhren und Äpfel lagern kühl und dunkel, größere Mengen in Kisten voll Sand.",
    "cp1250": "Zażółć gęślą jaźń. Wczoraj wieczorem znaleźliśmy w ogrodzie piękne róże, które kwitły mimo chłodu.",
    "cp1251": "Озимый чеснок сажают в октябре, за месяц до морозов, на глубину пяти сантиметров.",
    "koi8-r": "Картофель выкапывают в сухую погоду, когда ботва уже пожелтела и легла на землю.",
    "cp1253": "Χθες το βράδυ πήγαμε στην αγορά και αγοράσαμε φρέσκα λαχανικά για το φαγητό.",
    "shift_jis": "昨日の夕方、私たちは庭できれいな花を見て写真を撮りました。天気がよかったです。",
    "euc_jp": "ジャガイモは晴れた日に掘り、日陰で乾かしてから涼しいところにしまいます。",
    "gb18030": "昨天晚上我们在花园里看到了美丽的花，拍了几张照片。天气很好，大家都很高兴。",
    "big5": "昨天晚上我們在花園裡看到了美麗的花，拍了幾張照片。天氣很好，大家都很高興。",
    "euc_kr": "어제 저녁에 우리는 정원에서 아름다운 꽃을 보았고 사진을 찍었습니다.",
}


@pytest.mark.parametrize("charset", TEXTS)
@pytest.mark.parametrize("declared", ["right", "none", "utf-8"])
def test_charset_is_recognised_if_it_is_declared_or_not(charset: str, declared: str) -> None:
    named = {"right": charset, "none": None, "utf-8": "utf-8"}[declared]
    assert decode(TEXTS[charset].encode(charset), named) == (TEXTS[charset], False)


@pytest.mark.parametrize("charset", ["cp1251", "shift_jis", "gb18030", "euc_kr"])
def test_western_charset_is_not_believed_of_other_scripts(charset: str) -> None:
    text = f"<?xml version='1.0' encoding='iso-8859-1'?><p>{TEXTS[charset]}</p>"
    assert decode(text.encode(charset), "iso-8859-1") == (text, False)


@pytest.mark.parametrize("declared", [None, "windows-1251", "iso-8859-1", "shift_jis", "no-such-charset", "a\x00b"])
def test_valid_utf8_is_utf8_whatever_is_declared(declared: str | None) -> None:
    text = TEXTS["cp1251"] + TEXTS["cp1252"]
    assert decode(text.encode(), declared) == (text, False)


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_mark_decides(charset: str) -> None:
    assert decode("<p>Zwölf</p>".encode(charset), "iso-8859-1") == ("<p>Zwölf</p>", False)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Für schöne ".encode() + b"Gr\xf6\xdfe", "Für schöne Größe"),
        ("Für schöne, süße ".encode() + b"\x93zwei\x94 \x96 drei", "Für schöne, süße “zwei” – drei"),
        (b"F\xc3\xbcr und h\xc3\xb6her gek\xc3\xbcrzt\xe2\x80", "Für und höher gekürzt\ufffd\ufffd"),
        ("Дом стоит".encode()[:-1] + b" x", "Дом стои\ufffd x"),
        ("日本語".encode() + b"\xff" + "です".encode(), "日本語\ufffdです"),
    ],
)
def test_wrong_bytes_in_utf8_spoil_no_other_letter(body: bytes, text: str) -> None:
    assert decode(body, "utf-8") == (text, True)


def test_wrong_byte_in_another_charset_spoils_no_other_letter() -> None:
    body = TEXTS["euc_kr"].encode("euc_kr")
    text, damaged = decode(body + b"\xff", "euc-kr")
    assert text.startswith(TEXTS["euc_kr"])
    assert damaged


def test_few_accents_are_western_european() -> None:
    assert decode("déjà vu".encode("iso-8859-1")) == ("déjà vu", False)
