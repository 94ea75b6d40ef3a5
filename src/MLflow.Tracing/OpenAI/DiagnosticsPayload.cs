using System.ClientModel;
using System.ClientModel.Primitives;
using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// Reads objects whose types are private to System.Net.Http and System.ClientModel: the payloads of HttpClient's diagnostics and the two objects
/// that tie the tries of one call, and its exception, together. No reflection, so trimming and AOT keep it working. A member that a later version
/// no longer has ends in <see cref="MissingMemberException"/>, which the callers catch.
/// </summary>
internal static class DiagnosticsPayload
{
    private const string RequestData = "System.Net.Http.DiagnosticsHandler+RequestData, System.Net.Http";
    private const string ResponseData = "System.Net.Http.DiagnosticsHandler+ResponseData, System.Net.Http";
    private const string ExceptionData = "System.Net.Http.DiagnosticsHandler+ExceptionData, System.Net.Http";
    private const string BodyAdapter = "System.ClientModel.Primitives.HttpClientPipelineTransport+HttpPipelineRequest+MessageBodyAdapter, System.ClientModel";
    private const string TransportResponse = "System.ClientModel.Primitives.HttpClientPipelineTransport+HttpClientTransportResponse, System.ClientModel";

    // Types seen so far whose name was right: comparing names once for each type is enough.
    private static Type? _bodyAdapterType;
    private static Type? _transportResponseType;

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Request")]
    public static extern HttpRequestMessage RequestOfRequest([UnsafeAccessorType(RequestData)] object payload);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Response")]
    public static extern HttpResponseMessage? ResponseOfResponse([UnsafeAccessorType(ResponseData)] object payload);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_RequestTaskStatus")]
    public static extern TaskStatus StatusOfResponse([UnsafeAccessorType(ResponseData)] object payload);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Exception")]
    public static extern Exception ExceptionOfException([UnsafeAccessorType(ExceptionData)] object payload);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Request")]
    public static extern HttpRequestMessage RequestOfException([UnsafeAccessorType(ExceptionData)] object payload);

    /// <summary>The object that the OpenAI package serialises into a request body: the same one on every try of a call. Null when another client made the body.</summary>
    public static object? BinaryContentOf(HttpContent content) =>
        IsOfType(content, BodyAdapter, ref _bodyAdapterType) ? BinaryContentField(content) : null;

    /// <summary>The HTTP response behind a pipeline's response, or null.</summary>
    public static HttpResponseMessage? HttpResponseOf(PipelineResponse response) =>
        IsOfType(response, TransportResponse, ref _transportResponseType) ? HttpResponseField(response) : null;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_content")]
    private static extern ref BinaryContent? BinaryContentField([UnsafeAccessorType(BodyAdapter)] object adapter);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_httpResponse")]
    private static extern ref HttpResponseMessage? HttpResponseField([UnsafeAccessorType(TransportResponse)] object response);

    private static bool IsOfType(object value, string assemblyQualifiedName, ref Type? known)
    {
        var type = value.GetType();
        if (ReferenceEquals(type, known))
        {
            return true;
        }

        var name = assemblyQualifiedName.AsSpan(0, assemblyQualifiedName.IndexOf(','));
        if (!name.SequenceEqual(type.FullName))
        {
            return false;
        }

        known = type;
        return true;
    }
}
