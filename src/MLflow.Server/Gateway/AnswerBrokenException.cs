namespace MLflow.Server.Gateway;

/// <summary>
/// An answer broke off that had begun. Thrown through to the web server, which then sends what has come and closes the connection without the answer's end, as the
/// model's own server did.
/// </summary>
internal sealed class AnswerBrokenException : IOException
{
    public AnswerBrokenException(string endpoint, Exception? inner)
        : base($"The answer of a model of endpoint '{endpoint}' broke off, and so did ours.", inner)
    {
    }
}
