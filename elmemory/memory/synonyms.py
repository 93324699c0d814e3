"""Words that people use for one another on the phone; a question in one of them finds memories in another."""

from elmemory.memory.words import terms

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


def _synonyms() -> dict[str, frozenset[str]]:
    groups = [frozenset(terms(group)) for group in _GROUPS.replace("\n", "|").split("|") if group.strip()]
    found: dict[str, frozenset[str]] = {}
    for group in groups:
        for term in group:
            found[term] = found.get(term, frozenset()) | group - {term}
    return found


SYNONYMS = _synonyms()
