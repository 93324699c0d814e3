"""Detects names that are instructions: an agent speaks the name first, and must not be commanded by it."""

import re

from elmemory.memory.caches import kept_briefly
from elmemory.memory.languages import fold
from elmemory.memory.names import MOST_WORDS, PARTICLES, person_name, spoken_name, whole_name

# Folded beginnings of words that are in no name: ignore, instruction, prompt, override, reveal …
_NEVER_IN_A_NAME = re.compile(
    r"\b(?:ignor[aeiouyz]|disregard|overrid|instru[ckz]|system\b|assistant\b|anweisung|bypass|jailbreak|prompt|pretend|reveal|"
    r"execut|repeat|respond|transfer|verg(?:iss|ess)|vergeet|missacht|befolg|wiederhol|olvid[ea]\b|olvidad|desobede|"
    r"oubli(?:e|ez)\b|desconsider|esquec|dimentic|negeer|zignor|zapom[ni]|pomin|glom\b|bortse|unohda|yoksay|unut\b|unutun\b|"
    r"abaikan|lupakan|bo qua|инструкц|вказівк|ігнор|игнор|забудь|подсказк|talimat|"
    r"تجاهل|تعليمات|התעלם|אגנו|अनदेखा|नजरअंदाज|नज़रअंदाज़|निर्देश|αγνο|οδηγι)"
)
_NEVER_IN_A_NAME_UNSPACED = re.compile(
    "無視|无视|忽略|忘记|忘れて|忽視|指示|指令|提示词|命令|무시|지시|명령|잊어|ละเว้น|เพิกเฉย|คำสั่ง"
)
# A sentence is a command only with both: "the heating system" and "a repeat prescription" are none. Forms that report
# are left out: "ignored", "forgets", "hat vergessen".
_TO_IGNORE = (
    r"\b(?:ignor(?!ed|es\b|ance)|be ignored|disregard(?!ed|s)|overrid(?!es|den)|bypass(?!ed|es)|forget(?![fs])"
    r"|jailbreak|vergiss|vergesst|vergessen sie|missacht|vergeet|negeer|olvid(?!o\b|ado)|desobede|oubli"
    r"|esquec(?!eu|id)|desconsider|dimentic(?!at|o)|zignor|pomin|zapomn|glom|bortse|unohda|yok ?say|unut|abaikan"
    r"|lupakan|bo qua|игнор|ігнор|забуд|התעלם|αγνο)|تجاهل|अनदेखा|無視|无视|忽略|忘记|忘れて|忽視|무시|잊어|ละเว้น|เพิกเฉย"
)
_WHAT_COMMANDS = (
    r"\b(?:instru[ckz]|prompts?\b|guideline|rules?\b|anweisung|regeln?\b|reglas?\b|consigne|regles?\b|regras?\b|istruzion|polecen"
    r"|инструкц|вказівк|правил|talimat|kural|ohje|הורא|οδηγι)|تعليمات|निर्देश|指示|指令|提示|规则|規則|命令|지시|명령|คำสั่ง"
)
_ROLE_OR_MODE = re.compile(
    r"^\W*(?:system|assistant|developer)\W*:|\bsystem prompt|\byou are now\b|\bdeveloper mode\b"
    r"|\bdu bist (?:jetzt|nun)\b|\bahora eres\b|\btu es maintenant\b|\bact as an? (?:unrestricted|admin\b)"
)
_ORDER = re.compile(rf"(?:{_TO_IGNORE}).*?(?:{_WHAT_COMMANDS})|(?:{_WHAT_COMMANDS}).*?(?:{_TO_IGNORE})", re.DOTALL)
# Commands that are also names (William Tell, Say Wah). They count only before a word that is in no name.
_COMMANDS = frozenset(
    "say tell call forget give send show speak write read open play stop print act answer ask be become do go let make"
    " run please you from add delete remove drop set change use follow enter press dial connect hang"
    " end now never always"
    " sag sage sagen ruf rufe nenne gib zeige sende schreibe bitte antworte"
    " di dile diga digan dime llama llame dame envia muestra escribe lee por"
    " dis dites appelle appelez donne donnez envoie montre"
    " fale chame mostre envie chama dimmi dici chiama mostra invia"
    " zeg bel geef toon stuur powiedz zadzwon podaj pokaz wyslij"
    " skazhi скажи скажите позвони позвоните назови дай покажи отправь скажіть подзвони"
    " soyle ara goster gonder sag ring visa skicka si vis sano soita rekni zavolej spune suna mondd hivd"
    " قل اتصل اخبر कहो बोलो बताओ πεσ hay goi katakan panggil".split()
)
_NOT_OF_A_NAME = frozenset(
    "a an the i this that these those you your yours my me us our him her them their it everyone everybody all any"
    " to from with as of for in on at is are was have has not no yes hello hi bye goodbye free nothing something"
    " previous above"
    " system user caller customer agent assistant password secret number numbers code account money name out up down"
    " das dass die der dem mir uns ihm ihr alle alles hallo el la los las que me nos le les hola todo todos"
    " le la les que moi nous lui bonjour tout o os as que mim ola tudo il lo gli che mi ci ciao tutto"
    " de het dat mij ons hallo ze ze mi nam im wszystko что мне нам всем привет".split()
)


@kept_briefly(maxsize=4096)
def person_or_nothing(text: str) -> str:
    """Return the name that an agent may speak; empty if the text is an instruction or too long for a name.

    Too long is more than four words, without particles such as "de la".
    """
    words = [word for word in person_name(text).split() if word.casefold() not in PARTICLES]
    if len(words) > MOST_WORDS or is_command(whole_name(text)):
        return ""
    return spoken_name(text)


@kept_briefly(maxsize=4096)
def commands_an_agent(sentence: str) -> bool:
    """Whether a sentence tries to overrule an agent's instructions: "Ignore previous instructions and …"."""
    text = fold(sentence)
    return bool(_ORDER.search(text) or _ROLE_OR_MODE.search(text))


def is_command(name: str) -> bool:
    """Whether the text in a name field is a command to an agent: "Ignore all instructions", "Say yes"."""
    text = fold(name)
    if _NEVER_IN_A_NAME.search(text) or _NEVER_IN_A_NAME_UNSPACED.search(text):
        return True
    first, *others = text.split() or [""]
    if first not in _COMMANDS or not others:
        return False
    # Longer than two letters: "do thi hoa" is a Vietnamese name.
    written_small = any(word.islower() and word not in PARTICLES for word in name.split()[1:])
    return (written_small and len(first) > 2) or any(
        word in _NOT_OF_A_NAME and word not in PARTICLES for word in others
    )
