# MLflow over https: a certificate that nobody vouches for, of another host's, is refused with one line; with
# MLFLOW_TRACKING_INSECURE_TLS neither its issuer nor the name in it is asked about. (openssl plays the server, which
# answers no JSON: what is said of that says that the connection stood.)
. "$1/expect.sh"
. "$1/tiny.sh"
command -v openssl >/dev/null || exit 77
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out other.pem -days 2 -subj /CN=other.example 2>/dev/null
pairs pairs 4 1
server=
trap '[ -z "$server" ] || kill $server 2>/dev/null' EXIT
for port in $(seq 40443 40463); do # the first that is free
    openssl s_server -accept "127.0.0.1:$port" -cert other.pem -key key.pem -www -naccept 1000 >server 2>&1 &
    server=$!
    until grep -q ACCEPT server || ! kill -0 $server 2>/dev/null; do sleep 0.05; done
    kill -0 $server 2>/dev/null && break
done

# tracked TEXT VALUE: what is said of the server with the variable of that value
tracked() {
    rm -rf run
    MLFLOW_TRACKING_INSECURE_TLS=$2 "$ANTIPHON" train tiny.json --out run --train.epochs=1 \
        --track.uri="https://127.0.0.1:$port" >out 2>err
    ! grep -q 'built without libcurl' err || exit 77
    grep -q "$1" err || { echo "$2: not \"$1\" but" && cat err && exit 1; }
}
stood='no JSON in the answer: not an MLflow server?'
tracked 'SSL\|certificate' ''
tracked 'SSL\|certificate' false
tracked 'SSL\|certificate' yes
tracked "$stood" true
tracked "$stood" True
tracked "$stood" 1

# one of a known issuer is still held against the host's name
export SSL_CERT_FILE="$PWD/other.pem" CURL_CA_BUNDLE="$PWD/other.pem"
tracked 'SSL\|certificate' false
tracked "$stood" true
