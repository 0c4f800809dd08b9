"""A blog of a few posts about a garden, for tests that need something to ask about."""

from pathlib import Path

TOMATOES = """\
# Growing tomatoes on a balcony

Tomatoes want six hours of sun a day and a pot of at least fifteen litres.

## When should tomatoes be watered?

Water tomatoes early in the morning, at the root and never on the leaves. In a hot week they need water twice a day.

## Feeding

Feed them with comfrey tea every ten days, from the first flowers on.
"""

COMPOST = """\
# A compost heap that does not smell

A compost heap smells when it holds too much kitchen waste and too little air. Mix every bucket of kitchen waste with a
bucket of dry leaves or torn cardboard, and turn the heap with a fork once a month.

## How long does compost take?

Compost takes nine months in a heap, and four in a rotating drum.
"""

BEES = """\
# Bees in winter

Bees do not sleep in winter. They form a cluster around the queen and shiver to keep her at thirty degrees.

## What do bees eat in winter?

Bees live on the honey they stored in summer; a colony needs about twenty kilograms of honey for a winter.
"""

HEDGEHOGS = """\
# A house for hedgehogs

Hedgehogs hibernate from November to March under a pile of leaves, or in a wooden house with a narrow entrance.

Never give milk to hedgehogs, for it makes them ill. A dish of plain water is what hedgehogs should drink.
"""

HOSTILE = """\
---
title: "Slugs <script>window.pwned = 1</script> and snails"
---

Slugs are kept away by copper tape <img src="x" onerror="window.pwned = 2"> around the raised bed, which slugs will not
cross.

Snails are kept away from lettuce <svg onload="window.pwned = 3"></svg> by wood ash
[as told here](javascript:window.pwned=4).

Some say that <script>window.pwned = 5</script> coffee grounds repel slugs
<iframe srcdoc="<script>parent.pwned=6</script>"></iframe>, but this is
[a rumour](data:text/html,<script>window.pwned=7</script>).

<details open ontoggle="window.pwned = 8"><summary onclick="window.pwned = 9">Slugs</summary>return at night.</details>
"""

POSTS = {
    "tomatoes.md": TOMATOES,
    "compost.md": COMPOST,
    "bees.md": BEES,
    "hedgehogs.md": HEDGEHOGS,
    "slugs.md": HOSTILE,
}

ASKED = "When should I water tomatoes?"
FOLLOW_UP = "And how should they be fed?"
OFF_TOPIC = "Who won the football world cup in 1974?"


def write_posts(folder: Path) -> Path:
    """Writes the blog as Markdown files, and gives back the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in POSTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
