"""The classes of the semantic head, and how labels of the sets say them.

A label may be vaguer than the classes: `skin` of a person in the street covers the face with all
that is in it. Such a label is a union of classes, and any of them is right where it is drawn.
"""

from collections import Counter

NO_PART = "none"
OTHER = "other"
FEWEST = 12  # photos; names of entities in fewer are `OTHER`

OUTER = "coat blazer suit jacket vest cape cardigan"
TOPS = "shirt blouse sweater t-shirt top sweatshirt bodysuit jumper hoodie bra"
TROUSERS = "pants jeans leggings shorts"
DRESSES = "dress romper"
FOOTWEAR = "shoes sandals boots heels loafers sneakers pumps flats"
LEGWEAR = "stockings socks tights"
GLASSES = "sunglasses glasses"
SMALL = "accessories bracelet watch necklace ring earrings tie gloves"
CAR = (
    "wheel left_mirror right_mirror front_bumper back_bumper hood front_glass back_glass "
    "front_left_light front_right_light back_left_light back_right_light front_left_door "
    "front_right_door back_left_door back_right_door trunk tailgate"
).split()
FACE = ["face", "neck", "ear", "nose", "eye", "eyebrow", "inner mouth", "upper lip", "lower lip"]
CLOTHES = ["outer", "tops", "trousers", "skirt", "dresses", "legwear", "scarf", "belt", "small"]
PARTS = [NO_PART, "hair", *FACE, "body", "glasses", "earring", "hat", *CLOTHES, "footwear"]
PARTS += [*CAR, "window", "balcony-fence", "shop", "door", "leaf"]

GARMENTS = {name: ["outer"] for name in OUTER.split()}
GARMENTS |= {name: ["tops"] for name in TOPS.split()}
GARMENTS |= {name: ["trousers"] for name in TROUSERS.split()}
GARMENTS |= {name: ["dresses"] for name in DRESSES.split()}
GARMENTS |= {name: ["footwear"] for name in FOOTWEAR.split()}
GARMENTS |= {name: ["legwear"] for name in LEGWEAR.split()}
GARMENTS |= {name: ["glasses"] for name in GLASSES.split()}
GARMENTS |= {name: ["small"] for name in SMALL.split()}
# By set: what its labels of parts say, if it is not the class of the same name.
SAID = {
    "ccp": GARMENTS | {"skin": [*FACE, "body"]},
    "fashionista": {
        "skin": [*FACE, "body"],
        "shoes": ["footwear"],
        "top": ["outer", "tops"],
        "trousers": ["trousers", "legwear"],
        "dress or skirt": ["dresses", "skirt"],
    },
    "faces": {
        "skin": ["face", "neck", "ear"],
        "mouth": ["inner mouth", "upper lip", "lower lip"],
        "eye or eyebrow": ["eye", "eyebrow"],
    },
    "celebamask": {
        "skin": ["face"],
        "mouth": ["inner mouth"],
        "eye glasses": ["glasses"],
        "necklace": ["small"],
        "cloth": [name for name in CLOTHES if name not in ("small", "belt")],
    },
}
# Sets whose photos show none of these parts.
WITHOUT_PARTS = {"objects", "plates", "horses"}
# Sets that label all parts of the kinds that they label, wherever these are in the photo.
ALL_PARTS = {"carparts", "ccp", "celebamask", "faces", "fashionista", "facadeparts", "leaves"}

# Names of entities that are taken for one class.
MERGED = {
    "person": "person pedestrian rider",
    "cup": "cup mug glass wine-glass",
    "tree": "tree tree-merged vegetation",
    "plant": "plant potted-plant pottedplant flower",
    "grass": "grass grass-merged terrain field",
    "building": "building building-other-merged facade house skyscraper house-merged",
    "wall": "wall wall-other-merged wall-brick wall-tile wall-stone wall-wood",
    "sky": "sky sky-other-merged",
    "road": "road drivable-ground street",
    "sidewalk": "sidewalk pavement pavement-merged",
    "floor": "floor floor-other-merged floor-wood rug rug-merged",
    "ceiling": "ceiling ceiling-merged",
    "fence": "fence fence-merged bannister railing",
    "table": "table table-merged dining-table diningtable desk coffee-table counter",
    "cabinet": "cabinet cabinet-merged shelf bookcase wardrobe chest-of-drawers buffet",
    "window": "windowpane window-other window-blind blind curtain",
    "sign": "sign traffic-sign signboard stop-sign trade-name",
    "pole": "pole streetlight column",
    "chair": "chair swivel-chair armchair seat",
    "couch": "couch sofa",
    "motorcycle": "motorcycle motorbike",
    "airplane": "airplane aeroplane",
    "tv": "tv tvmonitor television laptop crt-screen monitor",
    "truck": "truck bus van train",
    "bag": "bag purse handbag backpack suitcase wallet",
    "water": "water water-other sea river lake",
    "ground": "dirt-merged earth sand gravel ground path",
    "mountain": "mountain mountain-merged hill rock rock-merged",
    "animal": "horse sheep cow dog cat bird elephant giraffe zebra bear camel",
    "food": "food food-other-merged broccoli carrot apple orange banana donut cake pizza sandwich "
    "tempe-goreng tahu-goreng piring tahu-bacem tempe-bacem gulab-jamun tandoori-chicken ice-cream "
    "roti-tawar chilli-chicken nasi lele-goreng kembung-goreng bread",
    "lamp": "lamp light sconce chandelier",
    "picture": "painting picture mirror poster",
    "cushion": "cushion pillow blanket towel",
    "cutlery": "knife fork spoon",
    "bowl": "bowl plate tray",
}
CLASS_OF = {name: merged for merged, names in MERGED.items() for name in names.split()}
# Sets whose entities say nothing here, and labels that mix classes.
NO_ENTITIES = {"bsds500", "leaves", "plates", "davis", "faces"}
MIXED = {"bicyclist", "living-thing", "vehicle", "traffic-infrastructure"}
MIXED |= {"non-building-infrastructure"}


def entity_class(label):
    """The class that an entity's label says, before rare ones are put together."""
    name = (label or OTHER).replace(" ", "-")
    return CLASS_OF.get(name, name)


def vocabulary(records):
    """The classes of entities that enough of these records have, and `OTHER`."""
    counts = Counter()
    for record in records:
        if record.set not in NO_ENTITIES:
            names = {entity_class(m.label) for m in record.masks if m.level == "entity"}
            counts.update(names - MIXED)
    return [OTHER, *sorted(name for name, count in counts.items() if count >= FEWEST)]


def part_classes(set_, label):
    """The numbers of the classes that a part's label may mean."""
    return tuple(sorted(PARTS.index(name) for name in SAID.get(set_, {}).get(label, [label])))


def unions():
    """All unions of classes of parts that labels of some set say."""
    said = {part_classes(set_, label) for set_, labels in SAID.items() for label in labels}
    return tuple(sorted(classes for classes in said if len(classes) > 1))


def mirrored_part(number):
    """The class of a part in the mirrored photo."""
    name = PARTS[number]
    swapped = {"left": "right", "right": "left"}
    name = "_".join(swapped.get(word, word) for word in name.split("_"))
    return PARTS.index(name)
