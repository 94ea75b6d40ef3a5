using System.Collections;
using System.Globalization;
using MLflow.Server.Pricing;

namespace MLflow.Server.Traces;

/// <summary>
/// What columns tell of a span's contents (<see cref="SpanRecord.IsSkeleton"/>). They are its attributes as well, for whoever asks for these: of the many spans of a large trace
/// nobody does, and their JSON would be written only to be read again.
/// </summary>
internal sealed class SkeletonColumns : IReadOnlyList<KeyValuePair<string, string>>
{
    private KeyValuePair<string, string>[]? _attributes;

    public string? Model { get; init; }

    public TokenCounts Tokens { get; init; }

    public CallCost? Cost { get; init; }

    public long? FirstTokenMs { get; init; }

    public string? StreamEnd { get; init; }

    public int Count => Attributes.Length;

    private KeyValuePair<string, string>[] Attributes => _attributes ??= [.. Write()];

    public KeyValuePair<string, string> this[int index] => Attributes[index];

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => ((IEnumerable<KeyValuePair<string, string>>)Attributes).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private IEnumerable<KeyValuePair<string, string>> Write()
    {
        if (Model is not null)
        {
            yield return new(AttributeNames.Model, StoredJson.Quote(Model));
        }

        if (Tokens.Any)
        {
            yield return new(AttributeNames.TokenUsage, Tokens.ToJson());
        }

        if (Cost is { } cost)
        {
            yield return new(AttributeNames.Cost, cost.ToJson());
        }

        if (FirstTokenMs is { } firstToken)
        {
            yield return new(AttributeNames.TimeToFirstToken, firstToken.ToString(CultureInfo.InvariantCulture));
        }

        if (StreamEnd is not null)
        {
            yield return new(AttributeNames.StreamEnd, StoredJson.Quote(StreamEnd));
        }
    }
}
