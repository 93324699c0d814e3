"""Records what staff search for, without the words they typed, which may be a name or a number."""

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
    """Add an entry to the audit log: a search for a number (its caller reference), a call (id) or a text (hash).

    `repeats`: the search was made before in this session, for instance by the page of a found call. It is recorded only
    if the earlier one was not.
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
