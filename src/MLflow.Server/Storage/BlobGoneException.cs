namespace MLflow.Server.Storage;

/// <summary>A content was condemned between being asked for and being referred to; asking again gives it another name.</summary>
internal sealed class BlobGoneException : MlflowException
{
    public BlobGoneException()
        : base(ErrorCode.TEMPORARILY_UNAVAILABLE, "A large content was deleted from the blob store while a span that has it was written; send the request again.")
    {
    }
}
