using System.Net.Http.Headers;
using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// Gives a content that stands in for another the other's headers. They are not copied, which would be a tenth of what tracing adds to a call, except
/// where a later version of .NET lacks the members that this takes.
/// </summary>
internal static class ContentHeaders
{
    private static volatile bool _areCopied;

    /// <summary>Both contents have one collection of headers from now on, and the first one, which goes back to the program, knows its length.</summary>
    public static void Share(HttpContent from, HttpContent to) => Give(from, to, isLengthGiven: false);

    /// <summary>The second content has the first one's headers from now on, and knows its length, which is there when it has been read as a whole.</summary>
    public static void Move(HttpContent from, HttpContent to) => Give(from, to, isLengthGiven: true);

    private static void Give(HttpContent from, HttpContent to, bool isLengthGiven)
    {
        var headers = from.Headers;
        if (!_areCopied)
        {
            try
            {
                if (isLengthGiven)
                {
                    ParentOf(headers) = to;
                }

                HeadersOf(to) = headers;
                return;
            }
            catch (MissingMemberException)
            {
                _areCopied = true;
            }
        }

        foreach (var (name, values) in headers.NonValidated)
        {
            to.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_headers")]
    private static extern ref HttpContentHeaders? HeadersOf(HttpContent content);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_parent")]
    private static extern ref HttpContent ParentOf(HttpContentHeaders headers);
}
