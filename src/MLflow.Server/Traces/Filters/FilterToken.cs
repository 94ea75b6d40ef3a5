namespace MLflow.Server.Traces.Filters;

/// <param name="Kind">What it is.</param>
/// <param name="Text">The token's value: without quotes for a text.</param>
/// <param name="Raw">As it was written.</param>
/// <param name="Position">Of its first character, from 1.</param>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, string Raw, int Position)
{
    /// <summary>Whether it is this keyword; a name in quotes is none.</summary>
    public bool Is(string keyword) => Kind == FilterTokenKind.Word && Raw.Equals(keyword, StringComparison.OrdinalIgnoreCase);
}
