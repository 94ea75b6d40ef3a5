using System.Net;

namespace MLflow;

/// <summary>A request to a tracking server did not succeed: the server refused it, failed, gave no usable answer, or could not be reached.</summary>
public class MlflowException : Exception
{
    internal MlflowException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>MLflow's name of the error, see <see cref="MlflowErrorCode"/>. Null where no answer came.</summary>
    public string? ErrorCode { get; internal init; }

    /// <summary>The answer's status. Null where no answer came.</summary>
    public HttpStatusCode? StatusCode { get; internal init; }

    /// <summary>What the server said, without the address and status that stand in <see cref="Exception.Message"/>; cut to 500 characters. Null where it said nothing.</summary>
    public string? ServerMessage { get; internal init; }

    /// <summary>The address that was asked, without credentials and query.</summary>
    public string? RequestUrl { get; internal init; }

    internal bool IsMissing => ErrorCode == MlflowErrorCode.ResourceDoesNotExist;
}
