// What the portal's pages can do with a script. Nothing here is needed: a button that would not work without it is made
// here, and every form is posted by the browser itself.
import { copyButtons } from "./copy";
import { keys } from "./keys";
import { live } from "./live";
import { popups } from "./popups";
import { tail } from "./tail";

copyButtons(document);
live(document);
tail(document);
popups();
keys();
