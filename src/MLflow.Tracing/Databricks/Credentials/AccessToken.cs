namespace MLflow;

/// <summary>A token that expires.</summary>
/// <param name="Scheme">The scheme of the header, <c>Bearer</c>.</param>
/// <param name="Value">The token.</param>
/// <param name="Lifetime">How long it is good from now on. Null where nobody said, or where the clocks contradict: then until it is refused.</param>
internal sealed record AccessToken(string Scheme, string Value, TimeSpan? Lifetime)
{
    /// <summary>The workspace that it is for, where that is told with it. Null: the one that is configured.</summary>
    public Uri? Host { get; init; }

    /// <summary>Headers that go with it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> MoreHeaders { get; init; } = [];

    public override string ToString() => "access token " + SecretScrubber.Mark;
}
