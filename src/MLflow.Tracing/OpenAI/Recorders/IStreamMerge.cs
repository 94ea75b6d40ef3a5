namespace MLflow;

/// <summary>Merges the events of one stream to the shape of the response that is not streamed.</summary>
internal interface IStreamMerge
{
    /// <summary>Adds one event.</summary>
    /// <param name="eventName">Value of the event's <c>event:</c> line; empty when it had none.</param>
    /// <param name="data">The event's data.</param>
    /// <param name="hasContent">True when it brought text, a tool call or the like.</param>
    /// <returns>False when the data is no JSON object; then nothing was added.</returns>
    bool TryAdd(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data, out bool hasContent);

    /// <summary>Gives what was merged: output, usage, error, finish reason, ids, and whether the stream is complete.</summary>
    void Complete(RecordedFields fields);
}
