// Package frameworks runs agent frameworks themselves, with models that are faked and
// use a known number of tokens, against an SGP server in the process: every span arrives, in
// order, and what the models used is billed. It is a module of its own, as the frameworks have many
// dependencies.
//
// What its packages have beside tests are the recipes of docs/recipes-frameworks.md.
package frameworks
