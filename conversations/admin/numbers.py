"""Phone numbers on a page: masked, or whole for staff who may see them."""

import phonenumbers
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from elmemory.memory.caches import kept_briefly


def may_reveal(request: HttpRequest) -> bool:
    return request.user.has_perm("conversations.reveal_number")


def masked(number: str) -> str:
    """The number with most digits masked: `+14155550100` as `+14•••••••00`."""
    return f"{number[:3]}{'•' * max(3, len(number) - 5)}{number[-2:]}" if number else ""


@kept_briefly(maxsize=4096)
def spelled(number: str) -> str:
    """The number with spaces and hyphens: `+14155550100` as `+1 415-555-0100`."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def number_element(number: str, *, reveal: bool) -> SafeString:
    """The masked number. With `reveal` it is a button that shows the whole number."""
    if not number:
        return SafeString("")
    if not reveal:
        return format_html('<span class="number">{}</span>', masked(number))
    return format_html(
        '<button type="button" class="number" data-number="{}" title="{}" data-title="{}">{}</button>',
        spelled(number),
        gettext("Show the number"),
        gettext("Hide the number"),
        masked(number),
    )
