"""Calibration: the signals of unrelated questions on an index, which relevance is measured against."""

import numpy as np
from redis.asyncio import Redis

from core.index.publication import Change
from core.index.version import IndexVersion
from core.models.protocols import Vectors
from core.retrieval.relevance import calibration_from
from core.retrieval.retriever import Retriever
from core.storage import keys

QUESTIONS = (
    "How long should I boil an egg so that the yolk stays soft?",
    "What is the best way to get red wine out of a white carpet?",
    "Which planet has the most moons?",
    "Who painted the ceiling of that famous chapel in Rome?",
    "Can I freeze mashed potatoes?",
    "How many players are on the ice for one hockey team?",
    "What year did the Titanic sink?",
    "Why do cats knead blankets with their paws?",
    "Tell me a joke about penguins.",
    "What's the weather going to be like tomorrow in Lisbon?",
    "How do I fold a fitted sheet?",
    "Which river flows through Budapest?",
    "What is the chemical symbol for tungsten?",
    "How often should I repot an orchid?",
    "Who sang the theme song of the third spy movie?",
    "Is it safe to give my dog chocolate?",
    "What are the side effects of taking too much vitamin D?",
    "In which country is the sport of sumo most popular?",
    "How do I change the chain on my bicycle?",
    'What does the word "petrichor" mean?',
    "Can you recommend a good restaurant for a birthday dinner?",
    "When does the next train to Manchester leave?",
    "How do I ask my boss for a raise?",
    "What is the capital of Mongolia?",
    "Who wrote the novel about the whale and the obsessed captain?",
    "What is the square root of 1764?",
    "How tall is the tallest giraffe ever measured?",
    "What is my horoscope for this week?",
    "Which vitamins are found in carrots?",
    'How do you say "good morning" in Portuguese?',
    "What tyre pressure should a small family car have?",
    "Who won the marathon at the last summer games?",
    "What ingredients go into a classic tiramisu?",
    "How much sleep does a newborn baby need each day?",
    "Why is the sky blue?",
    "What is the offside rule in football?",
    "How do I remove a stripped screw from a wooden door?",
    "Which composer went deaf yet kept on writing symphonies?",
    "What is the average lifespan of a hamster?",
    "How many strings does a standard violin have?",
    "Are you a real person?",
    "What should I wear to a wedding on the beach?",
    "How can I get rid of ants in the kitchen without using poison?",
    "What currency is used in Thailand?",
    "Who was the first woman to fly alone across the Atlantic Ocean?",
    "How do noise-cancelling headphones cancel noise?",
    "What is a good substitute for buttermilk in pancakes?",
    "Which actor played the wizard in the trilogy filmed in New Zealand?",
    "What time do shops close on Sundays in Vienna?",
    "How do I renew my passport if it was stolen abroad?",
    "What is the deepest lake in the world?",
    "How many calories are in a slice of cheese pizza?",
    "Why do leaves change colour in autumn?",
    "What is the difference between a crocodile and an alligator?",
    "Which chess opening begins with the pawn in front of the queen?",
    "How do I stop my glasses from fogging up when I wear a scarf?",
    "What is the name of the fairy in the story about the boy who never grew up?",
    "How do you treat a mild sunburn at home?",
    "What material are bulletproof vests made of?",
    "Which country gave the world the tango?",
    "When is the best season to plant tulip bulbs?",
    "Who designed the glass pyramid in front of the museum in Paris?",
    "What are the rules of the card game rummy?",
    "How far is it from Toronto to Montreal by car?",
    "What is the tax rate on a second home?",
    "Please write a poem about autumn rain for my grandmother.",
    "How do I knit a simple scarf?",
    "Which blood type is known as the universal donor?",
    "What does a barometer measure?",
    "What was the name of the dog that was sent into orbit by the Soviets?",
    "How do I get better at parallel parking?",
    "What is the main ingredient of hummus?",
    "How many bones does an adult human have?",
    "Who invented the zipper, and what was it first used for?",
    "What is the plot of the opera about the bullfighter and the cigarette girl?",
    "How do I clean the inside of a washing machine?",
    "Which of the seven dwarfs wears glasses?",
    "What is the fastest bird in level flight?",
    "How can I lower my blood pressure without medication?",
    "What was the most watched television finale of the eighties?",
    "Which gemstone is the birthstone for May?",
    "Where can I rent a kayak near the lake?",
    "How is soy sauce traditionally brewed?",
    "What percentage of the population of Iceland believes in elves?",
    "Who holds the record for the most goals scored in a single ice hockey season?",
    "What causes hiccups, and how do I make them stop?",
    "Which wine goes well with grilled salmon?",
    "How old do you have to be to rent a car in Spain?",
    "What did the ancient Romans use to brush their teeth?",
    "In golf, what is the term for finishing a hole two strokes under par?",
    "How do I convert Fahrenheit to Celsius?",
    "What is the story behind the song about the hotel in the desert?",
    "What kind of wood is used for baseball bats?",
    "Which two colours do you mix to get purple?",
    "Thanks, that was helpful! How are you today?",
    "What does a sommelier do all day, and what training does the job require?",
    "How many time zones are there in Russia?",
    "Which mountain range separates France from Spain?",
    "Why does my sourdough starter smell like acetone?",
    "What is the penalty for keeping a library book for more than a year?",
)
"""Questions about everyday subjects. A blog may answer some of them, but none answers most."""


MAX_DRIFT = 0.1
"""Share of changed passages after which a version is calibrated again."""


async def calibrate(
    redis: Redis, retriever: Retriever, version: IndexVersion, previous: IndexVersion | None = None
) -> None:
    """Calibrate a version. The questions' vectors are stored with it, and reused from the `previous` version if it has
    the same vector spec. Raises `core.errors.ModelError` if they cannot be embedded."""
    vectors = await _stored_vectors(redis, version)
    if vectors is None and previous is not None and previous.vector_spec == version.vector_spec:
        vectors = await _stored_vectors(redis, previous)
    if vectors is None:
        vectors = await retriever.embed(QUESTIONS)
    await redis.set(keys.calibration_vectors(version.number), vectors.astype("<f4").tobytes())
    signals = await retriever.relevance_signals(version, QUESTIONS, vectors)
    await version.set_metadata({"calibration": calibration_from(signals).to_json()})


async def recalibrate_after_drift(redis: Redis, retriever: Retriever, live: IndexVersion, change: Change) -> None:
    """Calibrate again if many passages have changed in place since the last time."""
    changed = sum(record.passages for record in (*change.upserted.values(), *change.removed.values()))
    drift = await redis.hincrby(keys.version(live.number), "drift", changed)
    if drift > MAX_DRIFT * change.passages:
        await calibrate(redis, retriever, live)
        await live.set_metadata({"drift": "0"})


async def _stored_vectors(redis: Redis, version: IndexVersion) -> Vectors | None:
    blob = await redis.get(keys.calibration_vectors(version.number))
    if not isinstance(blob, bytes) or len(blob) != 4 * len(QUESTIONS) * version.vector_spec.dimensions:
        return None  # none stored, or those of another set of questions
    return np.frombuffer(blob, "<f4").reshape(len(QUESTIONS), version.vector_spec.dimensions)
