using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>What merges have in common whose events are JSON objects and whose errors come as events.</summary>
internal abstract class ObjectStreamMerge : IStreamMerge
{
    /// <summary>The last error that the stream reported.</summary>
    protected ApiError? Error { get; private set; }

    public bool TryAdd(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data, out bool hasContent)
    {
        hasContent = false;
        if (EventJson.Parse(data) is not { } parsed)
        {
            return false;
        }

        if (EventJson.Error(data, parsed, eventName) is { } error)
        {
            Error = error;
        }
        else
        {
            hasContent = Add(parsed);
        }

        return true;
    }

    public abstract void Complete(RecordedFields fields);

    /// <summary>Adds an event that is no error.</summary>
    /// <returns>True when it brought content.</returns>
    protected abstract bool Add(JsonObject parsed);
}
