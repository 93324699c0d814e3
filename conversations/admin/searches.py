"""Recording what staff search for, without what they typed: it may be a name or a number."""

from datetime import timedelta

from django.http import HttpRequest

from conversations.admin.search import last_digits
from conversations.files.paths import is_conversation_id
from conversations.index.references import caller_reference
from conversations.index.tokens import comparable
from conversations.models import Conversation
from elmemory.audit.models import Action
from elmemory.audit.record import keyed_reference, record
from elmemory.memory.identity import caller_key

# A list is fetched several times for one search, page by page too.
_SAME_SEARCH = timedelta(minutes=1)
_LONGEST_SESSION = timedelta(hours=8)


def record_search(request: HttpRequest, searched: str, question: str, *, repeats: bool = False) -> None:
    """Add an entry: this list was searched for a number (its caller reference), a call (its id) or a text (a hash).

    A search that `repeats` one of this session, as the page of a found call does, is recorded if that one was not.
    """
    question, what, caller = question.strip(), "", ""
    if not question:
        return
    if last_digits(question):
        caller = caller_reference(caller_key(question) or "")
        detail = "a number" if caller else f"digits {keyed_reference(last_digits(question))}"
    elif is_conversation_id(question) and Conversation.objects.filter(pk=question).exists():
        what, detail = question, "a call"
    else:
        detail = f"text {keyed_reference(comparable(question))}"
    once_in = _LONGEST_SESSION if repeats else _SAME_SEARCH
    record(request, Action.FIND, searched, what, caller=caller, detail=detail, once_in=once_in)
