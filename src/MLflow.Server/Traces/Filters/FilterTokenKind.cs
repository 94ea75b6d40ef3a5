namespace MLflow.Server.Traces.Filters;

internal enum FilterTokenKind
{
    /// <summary>A name, a keyword, or a dotted path; parts of it may be quoted with backticks.</summary>
    Word,

    /// <summary>Text in single or double quotes, without them.</summary>
    Text,
    Number,
    Operator,
    Open,
    Close,
    Comma,
    Semicolon,

    /// <summary>A character that the grammar does not have.</summary>
    Unknown,
    End,
}
