// Package recipes holds the recipes of docs/recipes.md that need more than the
// library depends on, each in a folder of its own. The others are examples of the
// library's packages.
package recipes
