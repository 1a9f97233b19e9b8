/** The page: reads `/api/look` every second and shows it. */
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/path.css";
import "./styles/account.css";
import "./styles/chart.css";
import "./styles/tables.css";
import "./styles/parked.css";
import { render } from "preact";
import { App } from "./app.js";

const root = document.getElementById("console");
if (root !== null) render(<App />, root);
