using System.Text.Json;

namespace MLflow;

/// <summary>An address by which one object may be written or read for a while. It is a credential and appears in no text of ours.</summary>
/// <param name="Kind">The kind of storage, as the API names it.</param>
/// <param name="Address">The signed address.</param>
/// <param name="Headers">Headers that belong to the signature.</param>
internal sealed record SignedCredential(string Kind, Uri Address, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public const string Aws = "AWS_PRESIGNED_URL";
    public const string Google = "GCP_SIGNED_URL";
    public const string AzureBlob = "AZURE_SAS_URI";
    public const string AzureDataLake = "AZURE_ADLS_GEN2_SAS_URI";

    /// <exception cref="FormatException">It is none.</exception>
    public static SignedCredential Read(JsonElement answer)
    {
        var info = ApiJson.Member(answer, "credential_info") ?? throw new FormatException("it has no 'credential_info'");
        return WebAddress.TryParseSafe(ApiJson.Text(info, "signed_uri"), out var address)
            ? new SignedCredential(
                ApiJson.Text(info, "type") ?? "",
                address,
                [.. ApiJson.Items(info, "headers").Select(h => KeyValuePair.Create(ApiJson.Text(h, "name") ?? "", ApiJson.Text(h, "value") ?? ""))])
            : throw new FormatException("its 'signed_uri' is no address that is reached by https");
    }

    public override string ToString() => $"{Kind} at {Address.Host}";
}
