namespace MLflow.Server.Tests.Storage;

/// <summary>A span as a plain object; attributes are JSON texts.</summary>
internal sealed record ReferenceSpan(string Name, string Type, string Status, IReadOnlyDictionary<string, string> Attributes)
{
    /// <summary>What <c>span.content</c> is compared with.</summary>
    public string Json =>
        $$"""{"name": "{{Name.Replace("\"", "\\\"", StringComparison.Ordinal)}}", "type": "{{Type}}", "status": "{{Status}}", "attributes": {{{string.Join(", ", Attributes.Select(pair => $"\"{pair.Key}\": {pair.Value}"))}}}, "events": []}""";
}
