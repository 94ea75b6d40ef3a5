namespace MLflow.Server.Traces.Filters;

/// <summary>One key of an order as it is written: <c>tags.`my key` DESC</c>.</summary>
/// <param name="Prefix">What stands before the first dot, or null.</param>
/// <param name="Key">The rest.</param>
/// <param name="Descending">Whether large values come first.</param>
internal sealed record OrderKey(string? Prefix, string Key, bool Descending)
{
    private const string Source = "order_by clause";

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: an item is wrong, or there are too many.</exception>
    public static IReadOnlyList<OrderKey> ParseAll(IReadOnlyList<string> orderBy) => orderBy.Count <= FilterLimits.MaxOrderKeys
        ? [.. orderBy.Select(Parse)]
        : throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE, $"`order_by` has {orderBy.Count} keys; at most {FilterLimits.MaxOrderKeys} are allowed.");

    private static OrderKey Parse(string item)
    {
        var tokens = FilterLexer.Read(item, Source);
        foreach (var token in tokens)
        {
            if (token.Kind == FilterTokenKind.Comma)
            {
                throw FilterError.At($"Invalid order_by clause '{FilterError.Shown(item)}'. Could not be parsed.", token.Position);
            }
        }

        var name = tokens[0];
        var hasDirection = tokens.Count > 1 && (tokens[1].Is("ASC") || tokens[1].Is("DESC"));
        var end = tokens[Math.Min(tokens.Count - 1, hasDirection ? 2 : 1)];
        if (name.Kind is not (FilterTokenKind.Word or FilterTokenKind.Text) || end.Kind != FilterTokenKind.End)
        {
            throw FilterError.At(
                $"Invalid ordering key in order_by clause '{FilterError.Shown(item)}'.", name.Kind is FilterTokenKind.Word or FilterTokenKind.Text ? end.Position : name.Position);
        }

        var dot = name.Kind == FilterTokenKind.Word ? name.Text.IndexOf('.') : -1;
        return new OrderKey(dot > 0 ? name.Text[..dot] : null, dot > 0 ? name.Text[(dot + 1)..] : name.Text, hasDirection && tokens[1].Is("DESC"));
    }
}
