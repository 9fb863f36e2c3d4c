import htmx from "htmx.org";
import "./waiting.js";
import { enhance as attendance } from "./attendance.js";
import { enhance as bell } from "./bell.js";
import { enhance as charts } from "./charts-loader.js";
import { enhance as dialogs } from "./dialogs.js";
import { enhance as forms } from "./forms.js";
import { enhance as menus } from "./menus.js";
import { enhance as passkeys } from "./passkeys.js";
import { enhance as tables } from "./tables.js";
import { enhance as themes } from "./theme-switch.js";
import { enhance as toasts } from "./toasts.js";

// Each module improves what it finds below an element; htmx hands over what it brings in later.
const enhancements = [themes, menus, dialogs, forms, tables, toasts, charts, attendance, bell, passkeys];

function enhanceAll(element) {
  for (const enhance of enhancements) enhance(element);
}

htmx.onLoad((element) => {
  if (element !== document.body) enhanceAll(element);
});
enhanceAll(document.body);
