"""The language server: what an editor asks, answered by a guest's language.

    editor --JSON--> pygls --> server --> desk --> Language, Analysis     jitvm.platform.language
                               shapes, positions

| module    | contents                                                                |
|-----------|-------------------------------------------------------------------------|
| server    | one function for each request                                           |
| messages  | messages as they come; what becomes of bad ones                         |
| desk      | open texts, the programs they belong to, analyses, stale work           |
| shapes    | answers in the protocol's types                                         |
| deferred  | the protocol's types, completed when they are used                      |
| positions | lines and columns of the protocol                                       |

It names no guest: `jitvm lsp` hands it the languages. The protocol is that of pygls and lsprotocol
(`pip install 'jitvm[lsp]'`); nothing but `server`, `messages` and `shapes` imports
them, and `deferred` so that it takes less time.
"""
