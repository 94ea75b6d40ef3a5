using System.Text;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;

namespace MLflow.Server.Pricing;

/// <summary>
/// The prices in force: those that administrators set while servers run go before those that this one was started with. They stand in the database, and
/// every server of it has them within seconds.
/// </summary>
internal sealed class CurrentPrices
{
    /// <summary>Characters of the prices that are set; more belongs into a file.</summary>
    public const int MostText = 8000;

    private const string Kind = "prices";
    private const string Id = "prices";
    private readonly PriceTable _started;
    private readonly Documents _documents;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _reading = new();
    private volatile Own _own = new("", null);
    private volatile PriceTable _table;
    private long _readAt;
    private int _isReading;

    /// <param name="started">The prices that the server was started with.</param>
    /// <param name="documents">Keeps those that are set.</param>
    /// <param name="timeProvider">Says when to look again.</param>
    public CurrentPrices(PriceTable started, Documents documents, TimeProvider timeProvider)
    {
        _started = started;
        _table = started;
        _documents = documents;
        _timeProvider = timeProvider;
        Read();
    }

    /// <summary>What is in force, as of some moments ago. Never waits: calls are priced within transactions.</summary>
    public PriceTable Table
    {
        get
        {
            if (_timeProvider.GetElapsedTime(Interlocked.Read(ref _readAt)) > Documents.Freshness && Interlocked.CompareExchange(ref _isReading, 1, 0) == 0)
            {
                _ = Task.Run(ReadAgain);
            }

            return _table;
        }
    }

    /// <summary>The JSON that was set; empty where none is.</summary>
    public string Text => _own.Text;

    /// <summary>Why what was set does not count, or null.</summary>
    public string? Problem => _own.Problem;

    /// <summary>Sets prices, as docs/costs.md describes the file of them. Calls that come from now on are priced by them.</summary>
    /// <param name="json">The prices; empty for none.</param>
    /// <param name="cancellationToken">Ends the wait for the writer.</param>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: they are wrong.</exception>
    public async Task SetAsync(string json, CancellationToken cancellationToken)
    {
        json = json.Trim();
        if (json.Length > MostText)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The prices have {json.Length} characters, and may have {MostText}: start the server with a file of them.");
        }

        if (json.Length > 0)
        {
            try
            {
                Parse(json);
            }
            catch (PriceTableException e)
            {
                throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, e.Message);
            }
        }

        await _documents.ChangeAsync(
            _ => Task.FromResult(json.Length > 0 ? new DocumentChange<bool>(true, [new GatewayDocument(Id, Kind, json)], []) : new DocumentChange<bool>(true, [], [Id])),
            cancellationToken).ConfigureAwait(false);
        Read();
    }

    private static PriceTable Parse(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        return PriceTableReader.Read(stream, "The price table", isShipped: false);
    }

    private void ReadAgain()
    {
        try
        {
            Read();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The database is away, which all that reads tells: the prices stay as they were, and are read again with the next call.
        }
        finally
        {
            Volatile.Write(ref _isReading, 0);
        }
    }

    private void Read()
    {
        // Whoever reads later has what is newer.
        lock (_reading)
        {
            ReadNow();
        }
    }

    private void ReadNow()
    {
        var text = _documents.Current().All.FirstOrDefault(document => document.Id == Id)?.Body ?? "";
        if (text != _own.Text)
        {
            try
            {
                _table = text.Length == 0 ? _started : Parse(text).Before(_started);
                _own = new Own(text, null);
            }
            catch (PriceTableException e)
            {
                // Set by a version with other rules: better the prices that are known to be right than none.
                _table = _started;
                _own = new Own(text, e.Message);
            }
        }

        Interlocked.Exchange(ref _readAt, _timeProvider.GetTimestamp());
    }

    private sealed record Own(string Text, string? Problem);
}
