"use strict";
// The list of questions. Whatever comes from documents, questions and models is set as text, never as markup.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 40;
  const known = JSON.parse(document.getElementById("answers").textContent);
  const { systems, questions, answers, outcomes, documents, measures, strata } = known;
  const by = (id) => document.getElementById(id);
  const list = by("list"), more = by("more"), tally = by("tally"), search = by("search");
  const chosenSystem = by("system"), chosenGroup = by("group");
  const buttons = [...document.querySelectorAll("[data-filter]")];
  let filter = "all", shown = STEP, found = [], words = null;

  function make(name, attributes, ...parts) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) if (value) element.setAttribute(key, value);
    element.append(...parts.filter((part) => part !== null && part !== ""));
    return element;
  }

  function key(system) {
    const svg = document.createElementNS(SVG, "svg"), mark = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("class", "key");
    svg.setAttribute("aria-hidden", "true");
    mark.setAttribute("x", "50%");
    mark.setAttribute("y", "8");
    mark.setAttribute("class", `mark ${system.style}`);
    mark.setAttribute("overflow", "visible");
    path.setAttribute("d", system.shape);
    mark.append(path);
    svg.append(mark);
    return svg;
  }

  const did = {
    all: () => true,
    wrong: (answer) => answer.outcome === "wrong",
    refused: (answer) => Boolean(answer.refused),
    unsupported: (answer) => Boolean(answer.unsupported),
    failed: (answer) => Boolean(answer.failure),
    judge: (answer) => Boolean(answer.judge) && (answer.judge === "right") !== (answer.outcome === "right"),
  };
  const isRight = (answer) => answer.outcome === "right" || answer.outcome === "refused_rightly";

  function passes(name, question, system) {
    if (name === "disagree") {
      const rights = answers.map((own) => isRight(own[question]));
      if (system < 0) return rights.includes(true) && rights.includes(false);
      return rights.some((right) => right !== rights[system]);
    }
    return system < 0 ? answers.some((own) => did[name](own[question])) : did[name](answers[system][question]);
  }

  // Built when first searched: a thousand questions hold some megabytes of words.
  function wordsOf(question) {
    words ||= questions.map((one, at) =>
      [one.id, one.text, one.expected, ...one.aliases, ...answers.flatMap((own) => [own[at].text, own[at].failure])]
        .join("\n").toLowerCase());
    return words[question];
  }

  function choose() {
    const system = systems.findIndex((one) => one.name === chosenSystem.value);
    const group = chosenGroup && chosenGroup.value ? new Set(strata[chosenGroup.value]) : null;
    const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const among = questions.map((_, at) => at).filter((at) =>
      (!group || group.has(at)) && wanted.every((word) => wordsOf(at).includes(word)));
    for (const button of buttons) {
      const name = button.dataset.filter;
      button.setAttribute("aria-pressed", String(name === filter));
      button.querySelector(".tally").textContent = among.filter((at) => passes(name, at, system)).length;
    }
    found = among.filter((at) => passes(filter, at, system));
    shown = STEP;
    list.replaceChildren();
    show();
  }

  function show() {
    list.append(...found.slice(list.children.length, shown).map(entry));
    more.hidden = found.length <= shown;
    tally.textContent = `${found.length} of ${questions.length} questions`;
  }

  function entry(at) {
    const question = questions[at];
    const states = systems.map((system, place) => {
      const [sign, said] = outcomes[answers[place][at].outcome];
      return make("span", { class: `state ${answers[place][at].outcome}`, title: `${system.name}: ${said}` },
        key(system), ` ${system.name} `, make("i", { "aria-hidden": "true" }, sign),
        make("span", { class: "heard" }, ` ${said}; `));
    });
    const row = make("button", { type: "button", class: "row", "aria-expanded": "false" },
      make("span", { class: "asked" }, question.text, make("small", {}, `${question.id}${question.kind ? ` · ${question.kind}` : ""}`)),
      make("span", { class: "states" }, ...states));
    const item = make("li", { id: `question-${at}` }, row);
    row.addEventListener("click", () => toggle(item, row, at));
    return item;
  }

  function toggle(item, row, at) {
    const open = item.querySelector(".more");
    row.setAttribute("aria-expanded", String(!open));
    if (open) open.remove();
    else item.append(opened(at));
  }

  function opened(at) {
    const question = questions[at];
    const expected = question.expected ? `Expected: ${question.expected}` : "The documents do not answer it: a refusal is right.";
    const others = question.aliases.length ? ` (or: ${question.aliases.join("; ")})` : "";
    const places = question.evidence.map(([document, quote]) =>
      make("div", {}, make("blockquote", {}, quote), make("span", { class: "where" }, documents[document])));
    return make("div", { class: "more" },
      make("div", { class: "known" }, make("b", {}, expected), others, ...places),
      make("div", { class: "cards" }, ...systems.map((system, place) => card(system, answers[place][at]))));
  }

  function card(system, answer) {
    const [sign, said] = outcomes[answer.outcome];
    const marks = measures.map((name, at) => [name, answer.marks[at]]).filter(([, mark]) => mark !== null && mark !== undefined);
    const remarks = [
      answer.failure && `Failed: ${answer.failure}`,
      answer.reason && `Why: ${answer.reason}`,
      answer.origin === "quotation" && "Quoted from the documents, not worded by the model.",
      answer.sentences && `${answer.unsupported || 0} of ${answer.sentences} sentences unsupported.`,
      answer.judge && `The judge finds it ${answer.judge}, which decides nothing.`,
      answer.invented && `${answer.invented} citations name no passage.`,
      answer.confidence !== undefined && `Confidence ${Math.round(100 * answer.confidence)} %.`,
    ].filter(Boolean);
    return make("article", { class: `answer ${system.style}`, "aria-label": `${system.name}: ${said}` },
      make("header", {}, make("b", { class: "system" }, key(system), system.name),
        make("span", { class: answer.outcome }, make("i", { "aria-hidden": "true" }, sign), ` ${said}`)),
      answer.text ? withMarks(answer.text) : null,
      cites(answer),
      ...remarks.map((remark) => make("p", { class: "aside" }, remark)),
      folded("Marks", make("dl", { class: "marks" }, ...marks.flatMap(([name, mark]) =>
        [make("dt", {}, name), make("dd", {}, String(mark))]))),
      answer.draft ? folded("What the model wrote first", make("p", { class: "words" }, answer.draft)) : null,
      answer.given ? folded("Documents it was given passages of",
        make("ul", { class: "cites" }, ...answer.given.map((one) => make("li", { class: "where" }, documents[one])))) : null);
  }

  function folded(said, ...parts) {
    return make("details", {}, make("summary", {}, said), ...parts);
  }

  function withMarks(text) {
    const parts = text.split(/(\[\d{1,3}\])/).map((part) => /^\[\d{1,3}\]$/.test(part) ? make("sup", {}, part) : part);
    return make("p", { class: "words" }, ...parts);
  }

  function cites(answer) {
    if (!answer.citations) return null;
    const held = (supported) => supported === null ? "not checked" : supported ? "✓ supported" : "✗ not supported";
    return make("ul", { class: "cites" }, ...answer.citations.map(([marker, document, revision, start, end, quote, supported]) =>
      make("li", {}, make("b", {}, `[${marker}] `), make("span", {}, held(supported)), make("blockquote", {}, quote),
        make("span", { class: "place" }, `${documents[document]}, revision ${revision}, characters ${start} to ${end}`))));
  }

  let waiting = 0;
  by("controls").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(choose, 120); });
  for (const one of [chosenSystem, chosenGroup]) if (one) one.addEventListener("change", choose);
  for (const button of buttons) button.addEventListener("click", () => { filter = button.dataset.filter; choose(); });
  more.addEventListener("click", () => {
    const next = list.children.length;
    shown += STEP;
    show();
    list.children[next]?.querySelector("button").focus();
  });
  choose();
})();
