/** The page: reads `/api/look` every second and shows it. */
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { render } from "preact";
import { App } from "./app.js";

const root = document.getElementById("console");
if (root !== null) render(<App />, root);
