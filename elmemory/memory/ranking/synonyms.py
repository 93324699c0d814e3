"""Words that people use for one another on the phone; a question in one of them finds memories in another."""

from elmemory.memory.ranking.words import terms

_GROUPS = """
    job work career profession occupation employer company|boss manager supervisor|colleague coworker
    doctor physician gp dr|dentist dental teeth|hospital clinic surgery|nurse carer caregiver
    medicine medication drug tablet pill prescription dose|sick ill unwell|pain ache hurt sore|allergy allergic intolerant
    injury injured hurt accident|diet food eat|breakfast lunch dinner meal|drink beverage
    car vehicle truck van|bike bicycle|plane flight fly airline|train rail|bus coach|drive ride
    house home apartment flat place|room bedroom|move relocate live|address street live|garden yard|city town
    shop store|buy purchase order|return refund|delivery deliver ship package parcel|broken damaged defective faulty
    price cost charge fee amount|pay payment bill invoice|card credit debit|money cash fund budget|cheap affordable
    appointment booking reservation visit slot|book reserve schedule|cancel cancellation call off
    reschedule move postpone change|confirm confirmation|arrive arrival|leave departure depart
    phone telephone mobile cell|number phone|email mail|letter post|reach contact call
    internet wifi broadband connection router|computer laptop pc|tv television|password pin login|account profile
    husband wife spouse partner married|boyfriend girlfriend partner fiance fiancee|wedding marry marriage
    child son daughter baby|brother sister sibling|grandma grandmother granny nana|grandpa grandfather grandad
    parent mother father|family relative|friend buddy pal|neighbor neighbour
    pet dog puppy cat kitten|dog puppy pup|cat kitten kitty|vet veterinarian
    birthday born birth|age old|holiday vacation trip travel|hotel room stay|gift present|party celebration
    school college university|class course lesson|teacher tutor instructor|student pupil|degree study major
    hobby interest enjoy|favorite favourite prefer preference like love|hate dislike|sport exercise gym workout
    photo picture image|movie film|music song|book read novel|game play|art paint painting|garden plant flower
    problem issue trouble fault complaint|fix repair mend|help assist|happy glad|sad upset|angry annoyed|worried afraid scared
    begin start|end finish complete|big large|small little|fast quick|late delay delayed|early soon
    language speak|name call|street road avenue|color colour|size big large small medium|kind type sort
    insurance policy cover coverage|loan mortgage|rent lease|claim reimburse|contract agreement plan subscription
    lawyer attorney solicitor|police officer|engineer technician plumber electrician|build construct|clean wash
    weekend saturday sunday|morning am|afternoon evening pm|noon midday
    wheelchair mobility accessible|glasses lenses eyesight|vegetarian vegan meat|gluten celiac coeliac|nut peanut
    attend go visit|receive get|discover find|suggest recommend advise|country abroad|beach sea ocean|money donate
"""

# What a question asks for by its kind: "which colour" finds the green one.
_KINDS = """
    color colour: red orange yellow green blue navy purple violet pink brown black white grey gray cream gold silver beige
    day weekday date: monday tuesday wednesday thursday friday saturday sunday weekend today tomorrow
    date month: january february march april june july august september october november december
    time hour: morning noon afternoon evening night midnight clock am pm early late
    season: spring summer autumn fall winter
    pet animal: dog puppy cat kitten bird parrot rabbit horse hamster fish turtle snake hen lizard
    insect bug pest: ant moth bee wasp fly spider mosquito beetle cockroach
    flower plant: rose lily tulip daisy orchid peony dahlia daffodil sunflower lavender
    tree wood timber: oak pine birch maple walnut cedar willow ash
    material fabric: wood leather cotton linen wool silk steel metal stone slate granite plastic glass
    family relative: mother father sister brother son daughter wife husband aunt uncle niece nephew cousin grandmother
    family relative: grandfather twin baby pregnant expecting
    sibling: brother sister twin
    child kid: boy girl son daughter baby toddler
    job work occupation profession living career: retired freelance shift teach nurse driver engineer office
    sport hobby: football soccer basketball tennis swim run cycle golf hike yoga ski chess sail
    instrument: piano guitar violin drum trumpet flute cello
    music: jazz rock opera choir band song concert
    food diet meal dish: meat pork fish chicken egg cheese dairy nut bread vegan vegetarian pizza pasta soup salad gluten
    allergy: nut peanut egg milk dairy gluten shellfish shrimp penicillin pollen hives
    drink: coffee tea water wine beer juice milk
    dessert sweet: cake chocolate ice cream cookie pie
    medicine medication: tablet pill drop aspirin paracetamol ibuprofen antibiotic insulin inhaler
    illness sick health: fever cough infection rash stroke cancer asthma diabetes surgery hospital
    symptom effect: fever cough rash pain dizzy nausea headache tired swollen cramp itch
    injury hurt: bruise broken sprain cut scrape stiff sore wound torn
    surgery: operation
    body: head neck shoulder arm elbow hand hip knee leg ankle foot back tooth eye ear
    vehicle transport: car truck van bus train bicycle motorcycle ferry plane taxi
    place location: street road avenue corner house city beach park
    language: english spanish french german italian portuguese chinese japanese arabic hindi russian
    contact: phone text email mail letter call
    price cost amount money: dollar euro pound cent hundred thousand
    size: small medium large metre meter foot feet inch square
    weight heavy: kilo pound
    reason why: because since
"""


def _synonyms() -> dict[str, frozenset[str]]:
    groups = [frozenset(terms(group)) for group in _GROUPS.replace("\n", "|").split("|") if group.strip()]
    found: dict[str, frozenset[str]] = {}
    for group in groups:
        for term in group:
            found[term] = found.get(term, frozenset()) | group - {term}
    for line in filter(str.strip, _KINDS.splitlines()):
        kinds, members = (frozenset(terms(part)) for part in line.split(":"))
        for kind in kinds:
            found[kind] = found.get(kind, frozenset()) | members - {kind}
    return found


SYNONYMS = _synonyms()
