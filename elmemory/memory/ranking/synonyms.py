"""Small tables of synonyms, and of words of a kind ("green" is a colour), for topics of phone calls."""

from collections.abc import Iterator, Mapping

from elmemory.memory.ranking.words import terms

# Synonyms, in both directions.
_SYNONYM_GROUPS = """
    job work career profession occupation employment | boss manager supervisor | colleague coworker
    company business | doctor physician gp dr | dentist dental | hospital clinic | nurse carer caregiver
    surgery operation | medicine medication drug tablet pill prescription | dose dosage strength
    sick ill unwell | pain ache hurt sore | allergy allergic intolerant | injury injured hurt | diet food eat
    meal food | drink beverage | throw up vomit sick | car vehicle | truck van | bike bicycle
    plane flight fly airline | train rail | bus coach | drive ride | luggage bag | house home place
    apartment flat place | live address home | move relocate | garden yard | city town | lift elevator
    shop store | buy purchase order | return refund | deliver delivery ship package parcel
    broken damaged faulty defective | price cost charge fee amount | pay payment | bill invoice
    money cash fund budget | cheap affordable | salary earn income
    appointment booking reservation visit slot | book reserve schedule | cancel cancellation
    confirm confirmation | reschedule move postpone change push | arrive arrival come
    leave departure depart | pick collect fetch | phone telephone mobile cell | email mail | mail post
    reach contact call | reply answer respond | internet wifi broadband connection | computer laptop pc
    tv television | password pin login | account profile | husband spouse partner married
    wife spouse partner married | fiance fiancee engaged propose | wedding marry marriage | boyfriend partner
    girlfriend partner | child son | child daughter | baby toddler | sibling brother | sibling sister
    grandma grandmother granny nana | grandpa grandfather grandad | parent mother | parent father
    family relative | friend buddy pal | neighbor neighbour | dog puppy pup doggy | cat kitten kitty
    vet veterinarian | birthday born birth | age old | vacation holiday trip travel | hotel room stay
    gift present | party celebration | school college university | class course lesson
    teacher tutor instructor trainer | student pupil | degree study major | hobby interest enjoy
    favorite favourite prefer preference like love | hate dislike | sport exercise workout | gym fitness
    photo picture image | movie film | music song | book read novel | game play | art paint painting
    garden plant | problem issue trouble fault complaint wrong | fix repair mend | help assist | happy glad
    sad upset | angry annoyed | worried afraid scared | begin start | end finish complete | big large
    small little | fast quick | late delay | early soon | name call | street road avenue | color colour
    kind type sort | insurance policy cover coverage | loan mortgage | rent lease
    claim reimburse compensate | contract agreement | plan tariff subscription | membership member
    lawyer attorney solicitor | technician engineer mechanic | build construct | clean wash
    weekend saturday | weekend sunday | evening night | morning am | noon midday | glasses spectacles
    contest competition tournament race | attend go | receive get | discover find
    suggest recommend advise advice | beach sea ocean | gluten celiac coeliac | stroller pram
    loud noise noisy
"""

# Words of a kind: "which colour" finds "green", but not vice versa.
_MEMBERS_OF_KINDS = """
    color colour: red orange yellow green blue navy purple violet pink brown black white grey gray
    color colour: cream gold silver beige
    day weekday date: monday tuesday wednesday thursday friday saturday sunday weekend today tomorrow
    date month: january february march april june july august september october november december
    time hour: morning noon afternoon evening night midnight clock am pm early late
    season: spring summer autumn fall winter
    pet animal: dog cat bird parrot rabbit horse hamster fish turtle snake hen lizard
    insect bug pest: ant moth bee wasp fly spider mosquito beetle cockroach
    flower plant: rose lily tulip daisy orchid peony dahlia daffodil sunflower lavender
    tree wood timber: oak pine birch maple walnut cedar willow ash
    material fabric: wood leather cotton linen wool silk steel metal stone slate granite plastic glass
    family relative: mother father sister brother son daughter wife husband aunt uncle niece nephew cousin twin baby
    family relative: grandmother grandfather pregnant expecting
    child: boy girl
    job profession living: retired freelance shift teach nurse driver engineer office
    sport hobby: football soccer basketball tennis swim run cycle golf hike yoga ski chess sail
    instrument: piano guitar violin drum trumpet flute cello
    music: jazz rock opera choir band concert
    food diet dish: meat pork fish chicken egg cheese dairy nut bread vegan vegetarian pizza pasta soup salad
    meal: breakfast lunch dinner supper
    allergy: nut peanut egg milk dairy gluten shellfish shrimp penicillin pollen hives
    drink: coffee tea water wine beer juice milk
    dessert sweet: cake chocolate ice cream cookie pie
    medicine medication: drop aspirin paracetamol ibuprofen antibiotic insulin inhaler
    illness sick health: fever cough infection rash stroke cancer asthma diabetes surgery hospital
    symptom effect: fever cough rash pain dizzy nausea headache tired swollen cramp itch
    injury hurt: bruise broken sprain cut scrape stiff sore wound torn
    body: head neck shoulder arm elbow hand hip knee leg ankle foot back tooth eye ear
    vehicle transport: car truck van bus train bicycle motorcycle ferry plane taxi
    place location: street road avenue corner house city beach park
    language: english spanish french german italian portuguese chinese japanese arabic hindi russian
    contact: phone text email mail letter call
    price cost amount money: dollar euro pound cent hundred thousand
    size: big small medium large metre meter foot inch square
    weight heavy: kilo pound
    reason why: because since
"""


def _pairs() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each term with the terms that match it in one line of the tables. A term may come several times."""
    for group in _SYNONYM_GROUPS.replace("\n", "|").split("|"):
        same = frozenset(terms(group)) if group.strip() else frozenset[str]()
        yield from ((term, same - {term}) for term in same)
    for line in filter(str.strip, _MEMBERS_OF_KINDS.splitlines()):
        kinds, members = (frozenset(terms(part)) for part in line.split(":"))
        yield from ((kind, members - {kind}) for kind in kinds)


def _table() -> Mapping[str, tuple[str, ...]]:
    table: dict[str, frozenset[str]] = {}
    for term, others in _pairs():
        table[term] = table.get(term, frozenset()) | others
    return {term: tuple(sorted(others)) for term, others in table.items()}


SYNONYMS = _table()
"""Maps a term to the terms that may answer a question with it."""
