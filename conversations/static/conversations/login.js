// A link to a moment of a call, #t=26, leads there through the login too: a redirect keeps the fragment of the request.
const form = document.getElementById("login-form");
if (form && location.hash) form.action += location.hash;
