using System.Text;

namespace MLflow;

/// <summary>Lets a recorder fail without taking the span with it: what it could not read is kept as text.</summary>
internal sealed class GuardedRecorder : IRecorder
{
    private readonly IRecorder _inner;
    private readonly Action<Exception> _failed;

    public GuardedRecorder(IRecorder inner, Action<Exception> failed)
    {
        _inner = inner;
        _failed = failed;
    }

    public void RecordRequest(in RecordedBody body, RecordedFields fields)
    {
        try
        {
            _inner.RecordRequest(body, fields);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _failed(e);
            fields.Inputs = Text(body);
        }
    }

    public void RecordResponse(in RecordedBody body, RecordedFields fields)
    {
        try
        {
            _inner.RecordResponse(body, fields);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _failed(e);
            fields.Outputs = Text(body);
        }
    }

    public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields)
    {
        try
        {
            _inner.RecordStream(body, marks, fields);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _failed(e);
            fields.Outputs = Text(body);
        }
    }

    private static AttributeValue Text(in RecordedBody body) => AttributeValue.FromString(Encoding.UTF8.GetString(body.Bytes));
}
