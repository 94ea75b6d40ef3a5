namespace MLflow;

/// <summary>Turns the bodies of one API family into span fields. Pure: knows no HTTP, no clock, no span. Never throws for what a body holds.</summary>
internal interface IRecorder
{
    /// <summary>Reads a request body.</summary>
    void RecordRequest(in RecordedBody body, RecordedFields fields);

    /// <summary>Reads a response body that came as a whole.</summary>
    void RecordResponse(in RecordedBody body, RecordedFields fields);

    /// <summary>Reads a response body that came as server-sent events, whole or cut off anywhere.</summary>
    /// <param name="body">The bytes so far.</param>
    /// <param name="marks">When they came, in nanoseconds since the Unix epoch, by rising offset. Empty: chunk events carry time 0.</param>
    /// <param name="fields">Takes the result.</param>
    void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields);
}
