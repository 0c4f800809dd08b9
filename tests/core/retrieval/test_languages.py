"""One blog in six languages that the limits of relevance were not fitted on: its posts are found, and only they."""

from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import Retriever
from tests.posts import published, url_of


class Case(NamedTuple):
    """A post, a question that it answers, another post, and a question that no post answers."""

    post: str
    question: str
    other: str
    off_topic: str


CASES = {
    "ar": Case(
        "يقضي النحل الشتاء في الخلية. يتجمع في كتلة متماسكة ويأكل العسل الذي تركناه له في أغسطس.",
        "كم من العسل نترك للنحل في الشتاء؟",
        "تأخر قطار الليل إلى براشوف أربعين دقيقة. أعادت السكك الحديدية نصف ثمن التذكرة.",
        "ما هي درجة غليان التنغستن؟",
    ),
    "el": Case(
        "Οι μέλισσες περνούν τον χειμώνα στην κυψέλη. Τρώνε το μέλι που τους αφήσαμε τον Αύγουστο.",
        "Πού περνούν τον χειμώνα οι μέλισσες;",
        "Το νυχτερινό τρένο για το Μπρασόβ είχε σαράντα λεπτά καθυστέρηση και πήραμε πίσω το μισό εισιτήριο.",
        "Ποιο είναι το σημείο βρασμού του βολφραμίου;",
    ),
    "ro": Case(
        "Albinele petrec iarna în stup. Ele consumă mierea pe care le-am lăsat-o în august.",
        "Câtă miere le lăsați albinelor pentru iarnă?",
        "Trenul de noapte către Brașov a avut patruzeci de minute întârziere și am primit jumătate din preț înapoi.",
        "Care este punctul de fierbere al wolframului?",
    ),
    "th": Case(
        "ผึ้งใช้เวลาช่วงฤดูหนาวอยู่ในรัง พวกมันรวมตัวกันเป็นก้อนแน่นและกินน้ำผึ้งที่เราทิ้งไว้ให้ในเดือนสิงหาคม",
        "ต้องทิ้งน้ำผึ้งให้ผึ้งเท่าไรในฤดูหนาว",
        "รถไฟกลางคืนไปบราซอฟล่าช้าสี่สิบนาที การรถไฟคืนเงินค่าตั๋วครึ่งหนึ่ง",
        "จุดเดือดของทังสเตนคือเท่าไร",
    ),
    "tr": Case(
        "Arılar kışı kovanda geçirir. Sıkı bir küme oluşturur ve ağustosta bıraktığımız balı yerler.",
        "Arılara kış için ne kadar bal bırakıyorsunuz?",
        "Braşov'a giden gece treni kırk dakika gecikti. Demiryolu bilet ücretinin yarısını geri ödedi.",
        "Tungstenin kaynama noktası nedir?",
    ),
    "vi": Case(
        "Ong mật qua mùa đông trong tổ. Chúng tụ lại thành một khối chặt và ăn mật ong mà chúng tôi để lại.",
        "Cần để lại bao nhiêu mật ong cho ong qua mùa đông?",
        "Chuyến tàu đêm đi Brașov trễ bốn mươi phút. Đường sắt hoàn lại một nửa giá vé.",
        "Điểm sôi của vonfram là bao nhiêu?",
    ),
}
TEXTS = {f"{language}-{name}": getattr(case, name) for language, case in CASES.items() for name in ("post", "other")}


@pytest.mark.parametrize("language", CASES)
async def test_posts_in_a_language_that_nothing_was_fitted_on_are_found_and_off_topic_questions_are_not_sure(
    redis: Redis, embedder: OfflineEmbedder, language: str
) -> None:
    await published(redis, embedder, TEXTS)
    retriever = Retriever(redis, embedder)
    found = await retriever.search(CASES[language].question)
    assert found.hits[0].passage.url == url_of(f"{language}-post")
    assert (found.hits[0].passage.language, found.confidence != "none") == (language, True)
    assert (await retriever.search(CASES[language].off_topic)).confidence != "sure"
